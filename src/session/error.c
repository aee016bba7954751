#include "session/session.h"

const char *session_strerror(int error)
{
    switch (error) {
    case SESSION_E_FORMAT:
        return "the session's slots file is no slots file of version 1. Fix: move the session "
               "folder away; the log can be used without it.";
    case SESSION_E_TRUNCATED:
        return "the session's slots file is shorter than its header says. Fix: move the session "
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
