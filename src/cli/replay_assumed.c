#include <stdarg.h>
#include <stdio.h>

#include "cli/replay_report.h"

__attribute__((format(printf, 2, 3))) static void assumed(struct replay_report *report,
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (report->assumed_len < REPLAY_ASSUMPTIONS_MAX)
        vsnprintf(report->assumed[report->assumed_len++], sizeof(report->assumed[0]), format,
                  arguments);
    va_end(arguments);
}

static void assume_made(struct replay_report *report)
{
    const struct excerpt *excerpt = &report->timeline->excerpt;
    assumed(report, "the host waits at each epoch: records with one recorded epoch, and no slot "
                    "twice, were in flight together");
    assumed(report, "the control buffer was fresh, its tenant masks all set");
    assumed(report, "it was the built-in megakernel");
    if (excerpt->wrapped)
        assumed(report, "what the overwritten records at the beginning did is not needed");
    if (!excerpt->session)
        assumed(report, "no session: one ring, one thread, priority NORMAL, args past the "
                        "fourth 0");
    if (excerpt->session_fault != NULL)
        assumed(report, "the session that is there cannot be used");
}

static void assume_recorded(struct replay_report *report)
{
    const struct timeline_gaps *gaps = &report->timeline->gaps;
    if (report->result != NULL && report->result->builtin)
        assumed(report, "the built-in megakernel does what the recorded one did");
    if (gaps->checkpoint > 0)
        assumed(report,
                "%zu records before the checkpoint after launch %llu are not replayed: the "
                "beginning was %s",
                gaps->before, (unsigned long long)gaps->checkpoint,
                report->timeline->excerpt.late ? "not seen" : "overwritten");
    if (gaps->debug_log_unknown)
        assumed(report, "the debug log was empty at the checkpoint");
    if (gaps->other_buffers)
        assumed(report, "buffers beside the protocol's were at the checkpoint as the host had "
                        "left them");
    if (gaps->unknown_bytes > 0)
        assumed(report, "%llu bytes of buffers whose first contents are not known were 0",
                (unsigned long long)gaps->unknown_bytes);
    if (gaps->lost > 0)
        assumed(report, "%zu changes of buffers, whose bytes were not recorded, changed nothing",
                gaps->lost);
    if (gaps->unrecorded > 0)
        assumed(report, "%zu %s that went up without a record did nothing", gaps->unrecorded,
                gaps->unrecorded == 1 ? "slot" : "slots");
    if (gaps->dropped > 0)
        assumed(report, "%llu entries that had no room in the session are not needed",
                (unsigned long long)gaps->dropped);
}

void replay_report_assume(struct replay_report *report)
{
    if (report->timeline->recorded)
        assume_recorded(report);
    else
        assume_made(report);
}
