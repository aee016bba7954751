#include "replay/findings.h"

#include <stdlib.h>
#include <string.h>

/** Whether an observation looked at what a divergence is about. */
static bool covers(const struct timeline_observation *observation,
                   const struct divergence *divergence)
{
    uint64_t first = divergence->word * UINT64_C(4);
    bool in_range =
        first >= observation->offset && first + 4 <= observation->offset + observation->count;
    switch (divergence->kind) {
    case DIVERGENCE_STATUS:
        return observation->what == SESSION_OBSERVED_RING && in_range;
    case DIVERGENCE_DEBUG_LOG:
        return observation->what == SESSION_OBSERVED_DEBUG_LOG;
    default:
        return observation->what == SESSION_OBSERVED_CONTROL && in_range;
    }
}

/** The last time before the divergence at which the word was compared, and was right; 0 without. */
static uint64_t last_right(const struct timeline *timeline, const struct divergence *divergence,
                           uint64_t until)
{
    for (size_t i = (size_t)until - 1; i-- > 0;) {
        const struct timeline_event *event = &timeline->events[i];
        if (event->kind != TIMELINE_OBSERVATION)
            continue;
        const struct timeline_observation *observation =
            event->which != TIMELINE_NONE ? &timeline->observations[event->which] : NULL;
        if (!divergence->recorded ||
            (observation != NULL && observation->exact && covers(observation, divergence)))
            return flights_time(timeline, i);
    }
    return 0;
}

/** What is asked of a divergence.  \return false when nothing is */
static bool ask(const struct timeline *timeline, const struct divergence *divergence,
                struct finding *finding)
{
    *finding = (struct finding){
        .word = divergence->word, .expected = divergence->expected, .actual = divergence->actual};
    switch (divergence->kind) {
    case DIVERGENCE_CONTROL:
    case DIVERGENCE_CONTROL_LESS:
        finding->where = FINDING_CONTROL;
        break;
    case DIVERGENCE_STATUS:
        finding->where = FINDING_STATUS;
        finding->word = divergence->word / VYRE_SLOT_WORDS;
        break;
    case DIVERGENCE_DEBUG_LOG:
        finding->where = FINDING_DEBUG_LOG;
        break;
    default:
        return false;
    }
    finding->until = flights_time(timeline, divergence->event);
    finding->since = last_right(timeline, divergence, finding->until);
    return true;
}

bool findings_make(const struct timeline *timeline, const struct divergences *divergences,
                   struct findings *findings, struct replay_error *error)
{
    memset(findings, 0, sizeof(*findings));
    if (!flights_make(timeline, &findings->flights, error))
        return false;
    findings->list = calloc(divergences->len + 1, sizeof(*findings->list));
    findings->order = calloc(divergences->len + 1, sizeof(*findings->order));
    if (findings->list == NULL || findings->order == NULL) {
        findings_free(findings);
        return replay_fail_memory(error);
    }
    for (size_t i = 0; i < divergences->len; i++) {
        struct finding *finding = &findings->list[findings->len];
        if (!ask(timeline, &divergences->list[i], finding))
            continue;
        finding->divergence = i;
        findings->len++;
    }
    if (!suspects_find(findings->flights.list, findings->flights.len, findings->list, findings->len,
                       error)) {
        findings_free(findings);
        return false;
    }
    suspects_rank(findings->list, findings->len, findings->order);
    return true;
}

void findings_free(struct findings *findings)
{
    flights_free(&findings->flights);
    free(findings->list);
    free(findings->order);
    memset(findings, 0, sizeof(*findings));
}
