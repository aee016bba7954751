#include "log/vrrl.h"

#define SET_BACK_NS UINT64_C(1000000000)
#define BLOCK_RECORDS 256

int vrrl_verify(const char *path, struct vrrl_verdict *verdict)
{
    struct vrrl_reader *reader;
    int error = vrrl_reader_open(path, &reader);
    if (error != 0)
        return error;
    struct vrrl_verdict found = {.sound = true};
    vrrl_reader_info(reader, &found.info);
    struct vrrl_record records[BLOCK_RECORDS];
    uint64_t before = 0;
    size_t count;
    while ((count = vrrl_read(reader, records, BLOCK_RECORDS)) > 0) {
        for (size_t i = 0; i < count; i++) {
            found.clock_set_back +=
                before > SET_BACK_NS && records[i].timestamp_ns < before - SET_BACK_NS;
            before = records[i].timestamp_ns;
        }
    }
    found.sound = found.info.lost == 0;
    vrrl_reader_close(reader);
    *verdict = found;
    return 0;
}
