#include "session/session.h"

const char *session_strerror(int error)
{
    switch (error) {
    case SESSION_E_FORMAT:
        return "a file of the session is not what its name says, of another version, or damaged. "
               "Fix: move the session "
               "folder away; the log can be used without it.";
    case SESSION_E_TRUNCATED:
        return "a file of the session is shorter than its header says. Fix: move the session "
               "folder away; the log can be used without it.";
    case SESSION_E_CAPACITY:
        return "the session belongs to a log of another capacity. Fix: move the session folder "
               "away; the log can be used without it.";
    case SESSION_E_OWNED:
        return "another process is recording into this log. Fix: choose another name, or wait for "
               "it to end.";
    case SESSION_E_PATH:
        return "the log's name is too long for its session folder to have a name. Fix: choose a "
               "shorter one.";
    default:
        return vrrl_strerror(error);
    }
}
