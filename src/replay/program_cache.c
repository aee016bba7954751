#include "replay/program_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "VRRLPC01"
#define SUFFIX ".program"

/** The begin of an entry; the key and the binary follow. */
struct header {
    char magic[8];
    uint64_t key_len;
    uint64_t binary_len;
    /** Of key and binary. */
    uint64_t sum;
};

/** Bytes that were allocated. */
struct bytes {
    unsigned char *data;
    size_t len;
};

/** FNV-1a, 64 bits. */
static uint64_t hash(uint64_t sum, const unsigned char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ data[i]) * UINT64_C(1099511628211);
    return sum;
}

#define HASH_BEGIN UINT64_C(14695981039346656037)

static bool append(struct bytes *bytes, const void *data, size_t len)
{
    unsigned char *grown = realloc(bytes->data, bytes->len + len);
    if (grown == NULL)
        return false;
    memcpy(grown + bytes->len, data, len);
    bytes->data = grown;
    bytes->len += len;
    return true;
}

static bool append_platform(struct bytes *key, cl_device_id device, cl_platform_info what)
{
    cl_platform_id platform;
    char text[1024] = "";
    return clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof(cl_platform_id), &platform, NULL) ==
               CL_SUCCESS &&
           clGetPlatformInfo(platform, what, sizeof(text), text, NULL) == CL_SUCCESS &&
           append(key, text, strlen(text) + 1);
}

static bool append_device(struct bytes *key, cl_device_id device, cl_device_info what)
{
    char text[1024] = "";
    return clGetDeviceInfo(device, what, sizeof(text), text, NULL) == CL_SUCCESS &&
           append(key, text, strlen(text) + 1);
}

/** All that a binary depends on: texts that end with 0, and the source last. */
static bool make_key(struct bytes *key, cl_device_id device, const char *source, size_t source_len,
                     const char *options)
{
    return append_platform(key, device, CL_PLATFORM_NAME) &&
           append_platform(key, device, CL_PLATFORM_VERSION) &&
           append_device(key, device, CL_DEVICE_NAME) &&
           append_device(key, device, CL_DEVICE_VENDOR) &&
           append_device(key, device, CL_DEVICE_VERSION) &&
           append_device(key, device, CL_DRIVER_VERSION) &&
           append(key, options, strlen(options) + 1) && append(key, source, source_len);
}

/** Whether a source takes text from elsewhere. */
static bool includes(const char *source, size_t source_len)
{
    const char *end = source + source_len;
    for (const char *at = source; (at = memchr(at, '#', (size_t)(end - at))) != NULL;) {
        do
            at++;
        while (at < end && (*at == ' ' || *at == '\t'));
        if (end - at >= 7 && memcmp(at, "include", 7) == 0)
            return true;
    }
    return false;
}

static int open_folder(void)
{
    const char *base = getenv("XDG_CACHE_HOME");
    const char *below = "";
    if (base == NULL || base[0] != '/') {
        base = getenv("HOME");
        below = "/.cache";
    }
    char path[PATH_MAX];
    if (base == NULL || base[0] != '/' ||
        snprintf(path, sizeof(path), "%s%s", base, below) >= (int)sizeof(path) - 8)
        return -1;
    mkdir(path, 0700);
    strcat(path, "/vrrl");
    mkdir(path, 0700);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (folder >= 0 && (fstat(folder, &status) != 0 || status.st_uid != geteuid() ||
                        (status.st_mode & 077) != 0)) {
        close(folder);
        return -1;
    }
    return folder;
}

static bool transfer(int file, bool writing, unsigned char *data, size_t len)
{
    while (len > 0) {
        ssize_t done = writing ? write(file, data, len) : read(file, data, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        data += done;
        len -= (size_t)done;
    }
    return true;
}

/** Read a file of ours.  \return whether \a entry was set */
static bool read_entry(int folder, const char *name, struct bytes *entry)
{
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return false;
    struct stat status;
    bool got = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
               (status.st_mode & 022) == 0 && status.st_size >= (off_t)sizeof(struct header) &&
               (uint64_t)status.st_size <= PROGRAM_CACHE_ENTRY_MAX;
    if (got) {
        entry->len = (size_t)status.st_size;
        entry->data = malloc(entry->len);
        got = entry->data != NULL && transfer(file, false, entry->data, entry->len);
        /* Its time says when it was used last. */
        futimens(file, NULL);
    }
    close(file);
    return got;
}

/** The binary in an entry of this key.  \return NULL when the entry is damaged or another's */
static const unsigned char *binary_in(const struct bytes *entry, const struct bytes *key,
                                      size_t *binary_len)
{
    struct header header;
    memcpy(&header, entry->data, sizeof(header));
    const unsigned char *body = entry->data + sizeof(header);
    size_t body_len = entry->len - sizeof(header);
    if (memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0 || header.key_len != key->len ||
        key->len >= body_len || header.binary_len != body_len - key->len ||
        header.sum != hash(HASH_BEGIN, body, body_len) || memcmp(body, key->data, key->len) != 0)
        return NULL;
    *binary_len = body_len - key->len;
    return body + key->len;
}

static bool load(cl_context context, cl_device_id device, const struct bytes *key,
                 const char *options, int folder, const char *name, cl_program *program)
{
    struct bytes entry = {0};
    size_t len;
    const unsigned char *binary = NULL;
    cl_int code = CL_INVALID_BINARY;
    if (read_entry(folder, name, &entry))
        binary = binary_in(&entry, key, &len);
    if (binary != NULL)
        *program = clCreateProgramWithBinary(context, 1, &device, &len, &binary, NULL, &code);
    free(entry.data);
    if (binary == NULL || code != CL_SUCCESS)
        return false;
    if (clBuildProgram(*program, 1, &device, options, NULL, NULL) == CL_SUCCESS)
        return true;
    clReleaseProgram(*program);
    return false;
}

/** Append the binary of a program that was built for one device. */
static bool append_binary(struct bytes *entry, cl_program program)
{
    size_t len = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof(len), &len, NULL) != CL_SUCCESS ||
        len == 0 || len > PROGRAM_CACHE_ENTRY_MAX - entry->len)
        return false;
    unsigned char *binary = malloc(len);
    bool got = binary != NULL &&
               clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof(binary), &binary, NULL) ==
                   CL_SUCCESS &&
               append(entry, binary, len);
    free(binary);
    return got;
}

/** Remove what was not used for longest, if there are too many. */
static void prune(int folder)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again >= 0 ? fdopendir(again) : NULL;
    if (entries == NULL) {
        if (again >= 0)
            close(again);
        return;
    }
    char oldest[NAME_MAX + 1] = "";
    struct timespec time = {0};
    size_t len = 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat status;
        if (strstr(entry->d_name, SUFFIX) == NULL ||
            fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        const struct timespec *used = &status.st_mtim;
        if (len++ == 0 || used->tv_sec < time.tv_sec ||
            (used->tv_sec == time.tv_sec && used->tv_nsec < time.tv_nsec)) {
            strcpy(oldest, entry->d_name);
            time = *used;
        }
    }
    closedir(entries);
    if (len > PROGRAM_CACHE_ENTRIES_MAX)
        unlinkat(folder, oldest, 0);
}

static void write_entry(int folder, const char *name, struct bytes *entry)
{
    char unfinished[64];
    snprintf(unfinished, sizeof(unfinished), "%s.%ld", name, (long)getpid());
    /* Of a process of this number that was killed while it wrote. */
    unlinkat(folder, unfinished, 0);
    int file = openat(folder, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    bool written = transfer(file, true, entry->data, entry->len);
    if (close(file) != 0 || !written || renameat(folder, unfinished, folder, name) != 0)
        unlinkat(folder, unfinished, 0);
    else
        prune(folder);
}

static void store(cl_program program, const struct bytes *key, int folder, const char *name)
{
    struct header header = {.magic = MAGIC, .key_len = key->len};
    struct bytes entry = {0};
    if (append(&entry, &header, sizeof(header)) && append(&entry, key->data, key->len) &&
        append_binary(&entry, program)) {
        header.binary_len = entry.len - sizeof(header) - key->len;
        header.sum = hash(HASH_BEGIN, entry.data + sizeof(header), entry.len - sizeof(header));
        memcpy(entry.data, &header, sizeof(header));
        write_entry(folder, name, &entry);
    }
    free(entry.data);
}

static cl_int build(cl_context context, cl_device_id device, const char *source, size_t source_len,
                    const char *options, cl_program *program)
{
    cl_int code;
    *program = clCreateProgramWithSource(context, 1, &source, &source_len, &code);
    if (code != CL_SUCCESS) {
        *program = NULL;
        return code;
    }
    return clBuildProgram(*program, 1, &device, options, NULL, NULL);
}

cl_int program_cache_build(cl_context context, cl_device_id device, const char *source,
                           size_t source_len, const char *options, cl_program *program, bool *kept)
{
    bool loaded = false;
    cl_int code = CL_SUCCESS;
    struct bytes key = {0};
    int folder =
        !includes(source, source_len) && make_key(&key, device, source, source_len, options)
            ? open_folder()
            : -1;
    char name[32];
    snprintf(name, sizeof(name), "%016llx" SUFFIX,
             (unsigned long long)hash(HASH_BEGIN, key.data, key.len));
    if (folder >= 0)
        loaded = load(context, device, &key, options, folder, name, program);
    if (!loaded)
        code = build(context, device, source, source_len, options, program);
    if (!loaded && code == CL_SUCCESS && folder >= 0)
        store(*program, &key, folder, name);
    if (folder >= 0)
        close(folder);
    free(key.data);
    if (kept != NULL)
        *kept = loaded;
    return code;
}
