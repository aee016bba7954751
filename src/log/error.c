#include "log/vrrl.h"

const char *vrrl_strerror(int error)
{
    switch (error) {
    case 0:
        return "no error";
    case VRRL_E_IO:
        return "a system call on the log failed. Fix: check that the disk works and that you may "
               "read and write the file.";
    case VRRL_E_NOT_FOUND:
        return "there is no such file. Fix: check the name, or record a log first.";
    case VRRL_E_TRUNCATED_HEADER:
        return "the file is shorter than a log's header of 32 bytes. Fix: the log is lost; record "
               "it again.";
    case VRRL_E_MAGIC:
        return "the file does not begin with VRRL0001, so it is no VRRL log. Fix: check the name.";
    case VRRL_E_VERSION:
        return "the log's version is not 1. Fix: use a vrrl that knows this version.";
    case VRRL_E_CAPACITY_ZERO:
        return "replay log capacity must be > 0. Fix: construct with at least one slot.";
    case VRRL_E_CAPACITY_OVER:
        return "replay log capacity exceeds max 1048576. Fix: shard replay into smaller logs.";
    case VRRL_E_RECORD_MAGIC:
        return "a record begins with neither 0 nor 0xDEADBEEF, so the log was overwritten by "
               "something else. Fix: take a copy of the log that was not changed.";
    case VRRL_E_TRUNCATED_RECORDS:
        return "the file ends inside its records. Fix: take a copy of the log that is whole; `vrrl "
               "dump` shows the records that are left.";
    case VRRL_E_EXISTS:
        return "a file of that name exists already. Fix: choose another name, or append to it.";
    case VRRL_E_NO_SPACE:
        return "there is no room for the whole log on the disk, in the quota or below the "
               "file-size limit. Fix: make room, or choose a smaller capacity.";
    case VRRL_E_NOT_REGULAR:
        return "it is not a regular file. Fix: name a file.";
    case VRRL_E_ARGUMENT:
        return "an argument is out of range. Fix: see vrrl.h for what is allowed.";
    case VRRL_E_NO_MEMORY:
        return "there is not enough memory. Fix: free some, or choose a smaller capacity.";
    case VRRL_E_BUSY:
        return "every place of the log is being written. Fix: choose a larger capacity.";
    default:
        return "unknown error. Fix: report it, with the number.";
    }
}
