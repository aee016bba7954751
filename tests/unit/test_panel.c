/* Where panels lie: their folders and names, below another root folder too. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "panel/folder.h"
#include "panel/panel.h"
#include "panel/process.h"
#include "panel/root.h"
#include "run_suite.h"
#include "session/session.h"

/** Another root folder, which holds a folder "/real", and links to it and out of it. */
static char root[] = "/tmp/test_panel.XXXXXX";

static const char *inside(const char *path)
{
    static char whole[64];
    snprintf(whole, sizeof(whole), "%s%s", root, path);
    return whole;
}

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(mkdir(inside("/real"), 0700), 0);
    ck_assert_int_eq(mkdir(inside("/dev"), 0700), 0);
    ck_assert_int_eq(mkdir(inside("/dev/shm"), 0700), 0);
    ck_assert_int_eq(symlink("/real", inside("/absolute")), 0);
    ck_assert_int_eq(symlink("../../../..", inside("/upwards")), 0);
}

static void clean_up(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

/** After a failure: this kernel, or a container, has no openat2(). */
static bool is_not_tried(int file)
{
    return file < 0 && (errno == ENOSYS || errno == EPERM);
}

static void leads_to(const char *path, const char *where)
{
    struct stat one;
    struct stat other;
    int file = root_open(root, path, O_PATH);
    if (is_not_tried(file))
        return;
    ck_assert_msg(file >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(fstat(file, &one), 0);
    ck_assert_int_eq(stat(inside(where), &other), 0);
    ck_assert_msg(one.st_dev == other.st_dev && one.st_ino == other.st_ino,
                  "%s does not lead to %s", path, where);
    close(file);
}

START_TEST(no_link_leads_out_of_a_root_folder)
{
    leads_to("/real", "/real");
    leads_to("/absolute", "/real");
    leads_to("/upwards", "/");
    leads_to("/../real", "/real");
    leads_to("/upwards/absolute", "/real");
}
END_TEST

START_TEST(a_file_is_reached_by_its_folder)
{
    char here[PATH_MAX];
    int folder = root_reach(root, "/absolute/new", here);
    if (is_not_tried(folder))
        return;
    ck_assert_int_ge(folder, 0);
    int file = open(here, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(file, 0);
    close(file);
    ck_assert_int_eq(access(inside("/real/new"), F_OK), 0);
    close(folder);
    ck_assert_int_lt(root_reach(root, "/nowhere/new", here), 0);
    ck_assert_int_lt(root_reach(root, "relative", here), 0);
}
END_TEST

START_TEST(a_folder_counts_only_if_it_is_the_user_s_alone)
{
    const struct panel_user user = {geteuid(), 7};
    ck_assert_int_lt(panel_folder_open(root, 0, &user, false), 0);
    int folder = panel_folder_open(root, 0, &user, true);
    if (is_not_tried(folder))
        return;
    ck_assert_int_ge(folder, 0);
    close(folder);
    ck_assert_int_eq(access(inside("/dev/shm/vrrl-7"), F_OK), 0);
    const struct panel_user other = {geteuid() + 1, 7};
    ck_assert_int_lt(panel_folder_open(root, 0, &other, true), 0);
    ck_assert_int_eq(chmod(inside("/dev/shm/vrrl-7"), 0750), 0);
    ck_assert_int_lt(panel_folder_open(root, 0, &user, true), 0);
    ck_assert_int_eq(rmdir(inside("/dev/shm/vrrl-7")), 0);
    ck_assert_int_eq(symlink("/real", inside("/dev/shm/vrrl-7")), 0);
    ck_assert_msg(panel_folder_open(root, 0, &user, true) < 0, "a link was followed");
}
END_TEST

START_TEST(processes_of_one_number_have_files_of_their_own)
{
    static union panel_file new;
    int folder = open(inside("/real"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct session_owner one = {.pid = 1, .pid_namespace = 4026531836};
    const struct session_owner other = {.pid = 1, .pid_namespace = 4026532999};
    int file = panel_file_make(folder, &one, new.bytes);
    ck_assert_int_ge(file, 0);
    ck_assert_int_lt(panel_file_open(folder, &other, geteuid()), 0);
    panel_file_remove(folder, &other);
    int again = panel_file_open(folder, &one, geteuid());
    ck_assert_int_ge(again, 0);
    ck_assert_int_eq(access(inside("/real/1-4026531836"), F_OK), 0);
    close(again);
    close(file);
    close(folder);
}
END_TEST

START_TEST(names_are_read)
{
    struct session_owner owner;
    uint32_t maker;
    ck_assert(panel_file_parse("12-4026531836", &owner, &maker));
    ck_assert_uint_eq(owner.pid, 12);
    ck_assert_uint_eq(owner.pid_namespace, 4026531836);
    ck_assert_uint_eq(maker, 0);
    ck_assert(panel_file_parse("12-4026531836.34.unfinished", &owner, &maker));
    ck_assert_uint_eq(owner.pid, 12);
    ck_assert_uint_eq(maker, 34);
    static const char *const others[] = {
        "",
        ".",
        "..",
        "12",
        "12-",
        "-3",
        "x-3",
        "12-3.4",
        "012-3",
        "12-3.",
        "12-3.0.unfinished",
        "+1-3",
        "12-3 ",
        "12-3x",
        "12-3.4.unfinishedx",
        "4294967297-1",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!panel_file_parse(others[i], &owner, &maker), "'%s' is a name", others[i]);
}
END_TEST

START_TEST(a_process_is_told_from_outside_as_it_tells_itself)
{
    struct process process;
    struct session_owner self;
    session_owner_self(&self);
    ck_assert(process_look((uint32_t)getpid(), &process));
    ck_assert_mem_eq(&process.identity, &self, sizeof(self));
    ck_assert_str_eq(process.root, "");
    ck_assert(!process.has_other_clocks);
    ck_assert_uint_eq(process.user.user, geteuid());
    ck_assert_uint_eq(process.user.name, geteuid());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("panel");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, set_up, clean_up);
    tcase_add_test(tests, no_link_leads_out_of_a_root_folder);
    tcase_add_test(tests, a_file_is_reached_by_its_folder);
    tcase_add_test(tests, a_folder_counts_only_if_it_is_the_user_s_alone);
    tcase_add_test(tests, processes_of_one_number_have_files_of_their_own);
    tcase_add_test(tests, names_are_read);
    tcase_add_test(tests, a_process_is_told_from_outside_as_it_tells_itself);
    suite_add_tcase(suite, tests);
    return run_suite(suite, CK_FORK);
}
