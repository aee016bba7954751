/* A tracepoint with the payload of a record: slot, tenant, opcode, four args, epoch. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER vrrl_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./bench_lttng_provider.h"

#if !defined(VRRL_BENCH_LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define VRRL_BENCH_LTTNG_PROVIDER_H

#include <lttng/tracepoint.h>
#include <stdint.h>

LTTNG_UST_TRACEPOINT_EVENT(
    vrrl_bench, publish,
    LTTNG_UST_TP_ARGS(uint32_t, slot, uint32_t, tenant, uint32_t, opcode, const uint32_t *, args,
                      uint32_t, epoch),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint32_t, slot, slot)
                            lttng_ust_field_integer(uint32_t, tenant, tenant)
                                lttng_ust_field_integer(uint32_t, opcode, opcode)
                                    lttng_ust_field_array(uint32_t, args, args, 4)
                                        lttng_ust_field_integer(uint32_t, epoch, epoch)))

#endif

#include <lttng/tracepoint-event.h>
