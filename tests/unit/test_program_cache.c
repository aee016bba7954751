/* What is kept of a built program, and what is not believed. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/devices.h"
#include "replay/program_cache.h"
#include "run_suite.h"

#define SKIPPED 77

static const char source[] = "__kernel void one(__global uint *word) { word[0] = ANSWER; }";

static cl_device_id device;
static cl_context context;
static char base[] = "/tmp/vrrl-cache-XXXXXX";
static char folder[64];

/* Build, run, and tell whether it was kept. */
static bool build(const char *text, const char *options, cl_uint answer)
{
    cl_program program;
    bool kept = false;
    cl_int code =
        program_cache_build(context, device, text, strlen(text), options, &program, &kept);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_kernel kernel = clCreateKernel(program, "one", &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_mem buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof(answer), NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    const size_t one = 1;
    cl_uint word = 0;
    ck_assert_int_eq(clSetKernelArg(kernel, 0, sizeof(cl_mem), &buffer), CL_SUCCESS);
    clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL);
    clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, sizeof(word), &word, 0, NULL, NULL);
    ck_assert_uint_eq(word, answer);
    clReleaseMemObject(buffer);
    clReleaseCommandQueue(queue);
    clReleaseKernel(kernel);
    clReleaseProgram(program);
    return kept;
}

static bool build_7(void)
{
    return build(source, "-DANSWER=7", 7);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void clean(void)
{
    nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    ck_assert_int_eq(mkdir(base, 0700), 0);
}

/* The only entry; \return how many there are */
static size_t entry_path(char path[512])
{
    size_t len = 0;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, 512, "%s/%s", folder, entry->d_name);
        len++;
    }
    closedir(entries);
    return len;
}

START_TEST(a_program_is_kept_for_the_next_run)
{
    char path[512];
    struct stat status;
    clean();
    ck_assert(!build_7());
    ck_assert(build_7());
    ck_assert_uint_eq(entry_path(path), 1);
    ck_assert_int_eq(stat(folder, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0700);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
}
END_TEST

START_TEST(other_options_or_another_source_are_another_program)
{
    clean();
    ck_assert(!build_7());
    ck_assert(!build(source, "-DANSWER=8", 8));
    ck_assert(!build("__kernel void one(__global uint *word) { word[0] = 9; }", "-DANSWER=7", 9));
    ck_assert(build_7());
}
END_TEST

START_TEST(a_damaged_entry_is_built_anew)
{
    char path[512];
    struct stat status;
    clean();
    build_7();
    ck_assert_uint_eq(entry_path(path), 1);
    ck_assert_int_eq(stat(path, &status), 0);
    const off_t places[] = {0, 9, 17, 25, 40, status.st_size / 2, status.st_size - 1};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        unsigned char byte;
        int file = open(path, O_RDWR);
        ck_assert_int_eq(pread(file, &byte, 1, places[i]), 1);
        byte ^= 0x40;
        ck_assert_int_eq(pwrite(file, &byte, 1, places[i]), 1);
        close(file);
        ck_assert(!build_7());
        ck_assert(build_7());
    }
    const off_t lengths[] = {0, 1, 31, 32, 33, status.st_size - 1, status.st_size + 1};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ck_assert_int_eq(truncate(path, lengths[i]), 0);
        ck_assert(!build_7());
        ck_assert(build_7());
    }
}
END_TEST

/* An entry under the name of another: a stale one, or two keys of one hash. */
START_TEST(an_entry_of_another_program_is_not_used)
{
    char path[512];
    char kept[512];
    clean();
    build_7();
    entry_path(path);
    snprintf(kept, sizeof(kept), "%s/kept", base);
    ck_assert_int_eq(rename(path, kept), 0);
    build(source, "-DANSWER=8", 8);
    ck_assert_uint_eq(entry_path(path), 1);
    ck_assert_int_eq(rename(kept, path), 0);
    ck_assert(!build(source, "-DANSWER=8", 8));
}
END_TEST

START_TEST(links_and_files_that_others_may_write_are_not_used)
{
    char path[512];
    char kept[512];
    clean();
    build_7();
    entry_path(path);
    ck_assert_int_eq(chmod(path, 0622), 0);
    ck_assert(!build_7());
    ck_assert(build_7());
    snprintf(kept, sizeof(kept), "%s/kept", base);
    ck_assert_int_eq(rename(path, kept), 0);
    ck_assert_int_eq(symlink(kept, path), 0);
    ck_assert(!build_7());
    ck_assert(build_7());
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(!build_7());
    ck_assert(build_7());
}
END_TEST

START_TEST(a_folder_that_others_may_read_or_a_link_to_one_is_not_used)
{
    char path[512];
    char elsewhere[512];
    clean();
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert(!build_7());
    ck_assert(!build_7());
    ck_assert_uint_eq(entry_path(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", base);
    ck_assert_int_eq(mkdir(elsewhere, 0700), 0);
    ck_assert_int_eq(symlink(elsewhere, folder), 0);
    ck_assert(!build_7());
    ck_assert(!build_7());
    ck_assert_uint_eq(entry_path(path), 0);
}
END_TEST

START_TEST(without_a_folder_it_is_built_each_time)
{
    clean();
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", "/proc/nowhere", 1), 0);
    ck_assert(!build_7());
    ck_assert(!build_7());
    /* Relative names are not valid there; then the home folder counts. */
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", "relative", 1), 0);
    ck_assert_int_eq(setenv("HOME", base, 1), 0);
    ck_assert(!build_7());
    ck_assert(build_7());
    snprintf(folder, sizeof(folder), "%s/.cache/vrrl", base);
    char path[512];
    ck_assert_uint_eq(entry_path(path), 1);
    snprintf(folder, sizeof(folder), "%s/vrrl", base);
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", base, 1), 0);
}
END_TEST

START_TEST(a_source_that_includes_is_not_kept)
{
    static const char including[] = "#  include \"nothing.h\"\n"
                                    "__kernel void one(__global uint *word) { word[0] = 7; }";
    char path[512];
    char options[256];
    clean();
    snprintf(path, sizeof(path), "%s/nothing.h", base);
    fclose(fopen(path, "w"));
    snprintf(options, sizeof(options), "-I%s", base);
    ck_assert(!build(including, options, 7));
    ck_assert(!build(including, options, 7));
    ck_assert_uint_eq(entry_path(path), 0);
}
END_TEST

START_TEST(the_cache_does_not_grow_for_ever)
{
    char path[512];
    clean();
    build_7();
    entry_path(path);
    for (unsigned i = 0; i < PROGRAM_CACHE_ENTRIES_MAX + 10; i++) {
        char other[512];
        snprintf(other, sizeof(other), "%s/%016x.program", folder, i);
        close(open(other, O_CREAT | O_WRONLY, 0600));
    }
    size_t before = entry_path(path);
    build(source, "-DANSWER=8", 8);
    ck_assert_uint_le(entry_path(path), before);
    ck_assert(build(source, "-DANSWER=8", 8));
}
END_TEST

START_TEST(a_source_that_does_not_build_is_said_each_time)
{
    clean();
    for (int i = 0; i < 2; i++) {
        cl_program program;
        cl_int code = program_cache_build(context, device, "nonsense", 8, "", &program, NULL);
        ck_assert_int_ne(code, CL_SUCCESS);
        ck_assert_ptr_nonnull(program);
        clReleaseProgram(program);
    }
}
END_TEST

int main(void)
{
    struct replay_error error;
    struct replay_device *devices;
    size_t len;
    if (!devices_list(&devices, &len, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return SKIPPED;
    }
    device = devices[0].id;
    free(devices);
    context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    if (context == NULL || mkdtemp(base) == NULL)
        return 1;
    snprintf(folder, sizeof(folder), "%s/vrrl", base);
    setenv("XDG_CACHE_HOME", base, 1);

    TCase *tests = tcase_create("program cache");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, a_program_is_kept_for_the_next_run);
    tcase_add_test(tests, other_options_or_another_source_are_another_program);
    tcase_add_test(tests, a_damaged_entry_is_built_anew);
    tcase_add_test(tests, an_entry_of_another_program_is_not_used);
    tcase_add_test(tests, links_and_files_that_others_may_write_are_not_used);
    tcase_add_test(tests, a_folder_that_others_may_read_or_a_link_to_one_is_not_used);
    tcase_add_test(tests, without_a_folder_it_is_built_each_time);
    tcase_add_test(tests, a_source_that_includes_is_not_kept);
    tcase_add_test(tests, the_cache_does_not_grow_for_ever);
    tcase_add_test(tests, a_source_that_does_not_build_is_said_each_time);

    Suite *suite = suite_create("replay program cache");
    suite_add_tcase(suite, tests);
    /* The driver's threads do not survive a fork. */
    int status = run_suite(suite, CK_NOFORK);
    nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    clReleaseContext(context);
    return status;
}
