#include <stdio.h>

#include "cli/replay_report.h"

const char *replay_against_name(enum replay_against against)
{
    static const char *const names[] = {
        [REPLAY_AGAINST_DEFAULT] = "recorded",
        [REPLAY_AGAINST_RECORDED] = "recorded",
        [REPLAY_AGAINST_REFERENCE] = "reference",
        [REPLAY_AGAINST_DEVICE] = "device",
        [REPLAY_AGAINST_RUN] = "run",
    };
    return names[against];
}

void replay_report_name_sides(struct replay_report *report)
{
    char *run = report->run_name;
    struct finding_sides *sides = &report->sides;
    snprintf(run, sizeof(report->run_name), "in run %u",
             report->repeat != NULL ? report->repeat->parted : 0);
    switch (report->result->against) {
    case REPLAY_AGAINST_REFERENCE:
        *sides = (struct finding_sides){"in the reference", "in the replay", true};
        break;
    case REPLAY_AGAINST_DEVICE:
        *sides = (struct finding_sides){"on the other device", "on the first", false};
        break;
    case REPLAY_AGAINST_RUN:
        *sides = (struct finding_sides){"in run 1", run, false};
        break;
    default:
        *sides = (struct finding_sides){"in the recorded run", "in the replay", false};
        break;
    }
}
