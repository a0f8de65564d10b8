/* The number of CPUs that a context uses by default: on a kernel whose affinity masks are longer than cpu_set_t, and
 * under quotas of cgroups, which are read from files like those of real systems. Also, an affinity mask that is set
 * from outside is kept. */
#include "base/pool.h"
#include "platform/cpu.h"
#include "support/data.h"

#include <ftw.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* ---- masks: the calls that the library would make are answered or counted here ---- */

static bool pretend;
static size_t kernel_bytes; /* the size of the pretended kernel's masks; 0: it refuses to tell, as a sandbox may */
static int kernel_cpus;
static atomic_int masks_set;

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    if (!pretend) {
        memset(set, 0, size);
        return syscall(SYS_sched_getaffinity, pid, size, set) < 0 ? -1 : 0;
    }
    if (kernel_bytes == 0 || size < kernel_bytes) {
        errno = kernel_bytes == 0 ? EPERM : EINVAL;
        return -1;
    }
    memset(set, 0, size);
    for (int i = 0; i < kernel_cpus; i++) {
        CPU_SET_S(kernel_bytes * 8 - 1 - (size_t)i, size, set);
    }
    return 0;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
    atomic_fetch_add(&masks_set, 1);
    return (int)syscall(SYS_sched_setaffinity, pid, size, set);
}

int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
    (void)thread;
    (void)size;
    (void)set;
    atomic_fetch_add(&masks_set, 1);
    return ENOSYS;
}

START_TEST(every_cpu_of_a_large_machine_counts)
{
    static const struct {
        size_t bytes;
        int cpus;
    } kernels[] = { { 8, 3 }, { 128, 1024 }, { 256, 2048 }, { 256, 1500 }, { 1024, 8192 }, { 8192, 20000 } };
    int quota = cnn__cpu_quota("");
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        kernel_bytes = kernels[i].bytes;
        kernel_cpus = kernels[i].cpus;
        pretend = true;
        int count = cnn__cpu_count();
        pretend = false;
        ck_assert_int_eq(count, quota > 0 && quota < kernel_cpus ? quota : kernel_cpus);
    }
    kernel_bytes = 0;
    pretend = true;
    int count = cnn__cpu_count();
    pretend = false;
    ck_assert(count >= 1 && count <= sysconf(_SC_NPROCESSORS_CONF));
}
END_TEST

START_TEST(a_context_uses_all_cpus_that_there_are)
{
    cnn_context *own = cnn_context_new(.seed = 1);
    ck_assert_int_eq(cnn_context_threads(own), cnn__cpu_count());
    cnn_context_free(own);
}
END_TEST

static void all_threads(cpu_set_t *give, const cpu_set_t *expected)
{
    DIR *dir = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        pid_t thread = (pid_t)atoi(e->d_name);
        cpu_set_t now;
        if (thread && give) {
            ck_assert_int_eq((int)syscall(SYS_sched_setaffinity, thread, sizeof *give, give), 0);
        } else if (thread) {
            ck_assert_int_eq(sched_getaffinity(thread, sizeof now, &now), 0);
            ck_assert_msg(CPU_EQUAL(&now, expected), "a thread may run on %d CPUs, expected the one that was given",
                          CPU_COUNT(&now));
        }
    }
    closedir(dir);
}

static void do_nothing(void *arg, int64_t task, int worker)
{
    (void)arg;
    (void)task;
    (void)worker;
}

/* As `taskset -a -p` does to a running program, once while its workers sleep and once while they are awake. */
START_TEST(an_affinity_that_is_set_from_outside_is_kept)
{
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    cnn__pool *pool = cnn__pool_new(NULL, 2);
    atomic_store(&masks_set, 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, &all)) {
            continue;
        }
        CPU_ZERO(&one);
        CPU_SET((size_t)cpu, &one);
        for (int asleep = 0; asleep < 2; asleep++) {
            all_threads(&one, NULL);
            for (int round = 0; round < 10; round++) {
                nanosleep(&(struct timespec){ .tv_nsec = asleep ? 2000000 : 0 }, NULL); /* longer than a worker spins */
                cnn__pool_run(pool, 100, 1e9, do_nothing, NULL);
                all_threads(NULL, &one);
            }
        }
    }
    all_threads(&all, NULL);
    cnn__pool_free(pool);
    ck_assert_msg(atomic_load(&masks_set) == 0, "the pool set %d affinity masks", atomic_load(&masks_set));
}
END_TEST

/* ---- quotas ---- */

static void put(const char *path, const char *text)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "%s%s", test_folder, path);
    for (char *slash = whole + strlen(test_folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(whole, 0700);
    }
    file_put(whole, text, strlen(text));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    return at->level > 0 ? remove(path) : 0;
}

static void clear(void)
{
    nftw(test_folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#define V2_MOUNT \
    "22 1 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n" \
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNTS(top) \
    "31 23 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n" \
    "32 23 0:28 " top " /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n" \
    "33 23 0:29 / /sys/fs/cgroup/cpuset rw shared:11 - cgroup cgroup rw,cpuset\n"

typedef struct file {
    const char *path, *text;
} file;

static const struct {
    const char *what;
    int cpus;
    file files[8];
} systems[] = {
    { "no files at all", 0, { { "/etc/none", "" } } },
    { "a container of version 2 in its own namespace",
      2,
      { { "/proc/self/cgroup", "0::/\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/cpu.max", "150000 100000\n" } } },
    { "a whole number of CPUs",
      4,
      { { "/proc/self/cgroup", "0::/\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/cpu.max", "400000 100000\n" } } },
    { "a tenth of a CPU",
      1,
      { { "/proc/self/cgroup", "0::/\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/cpu.max", "10000 100000\n" } } },
    { "no quota",
      0,
      { { "/proc/self/cgroup", "0::/user.slice/user-0.slice\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n" },
        { "/sys/fs/cgroup/user.slice/user-0.slice/cpu.max", "max 100000\n" } } },
    { "a service whose slice has less than itself",
      3,
      { { "/proc/self/cgroup", "0::/batch.slice/train.service\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/batch.slice/cpu.max", "250000 100000\n" },
        { "/sys/fs/cgroup/batch.slice/train.service/cpu.max", "800000 100000\n" } } },
    { "a service that has less than its slice",
      1,
      { { "/proc/self/cgroup", "0::/batch.slice/train.service\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/batch.slice/cpu.max", "250000 100000\n" },
        { "/sys/fs/cgroup/batch.slice/train.service/cpu.max", "50000 50000\n" } } },
    { "a quota of the root only, files missing below",
      5,
      { { "/proc/self/cgroup", "0::/a/b/c\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/cpu.max", "500000 100000\n" } } },
    { "a sibling's quota does not count",
      0,
      { { "/proc/self/cgroup", "0::/a\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/ab/cpu.max", "100000 100000\n" } } },
    { "version 1, Docker without a namespace",
      2,
      { { "/proc/self/cgroup",
          "12:memory:/docker/f00\n4:cpuset:/docker/f00\n3:cpu,cpuacct:/docker/f00\n1:name=systemd:/docker/f00\n" },
        { "/proc/self/mountinfo", V1_MOUNTS("/docker/f00") },
        { "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n" },
        { "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n" } } },
    { "version 1, no quota",
      0,
      { { "/proc/self/cgroup", "3:cpu,cpuacct:/\n" },
        { "/proc/self/mountinfo", V1_MOUNTS("/") },
        { "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n" },
        { "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n" } } },
    { "version 1, a parent's quota",
      3,
      { { "/proc/self/cgroup", "3:cpuacct,cpu:/pod/ctr\n" },
        { "/proc/self/mountinfo", V1_MOUNTS("/") },
        { "/sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us", "290000\n" },
        { "/sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_period_us", "100000\n" },
        { "/sys/fs/cgroup/cpu,cpuacct/pod/ctr/cpu.cfs_quota_us", "-1\n" },
        { "/sys/fs/cgroup/cpu,cpuacct/pod/ctr/cpu.cfs_period_us", "100000\n" } } },
    { "both versions, the CPU's controller in version 1",
      2,
      { { "/proc/self/cgroup", "3:cpu,cpuacct:/job\n0::/job\n" },
        { "/proc/self/mountinfo", V1_MOUNTS("/") "40 23 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" },
        { "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "150000\n" },
        { "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n" } } },
    { "a mount point with a space, without optional fields",
      6,
      { { "/proc/self/cgroup", "0::/\n" },
        { "/proc/self/mountinfo", "29 23 0:26 / /my\\040cgroups rw - cgroup2 none rw\n" },
        { "/my cgroups/cpu.max", "600000 100000\n" } } },
    { "a mount of another container's group",
      0,
      { { "/proc/self/cgroup", "0::/me\n" },
        { "/proc/self/mountinfo", "29 23 0:26 /other /mnt rw - cgroup2 none rw\n" },
        { "/mnt/cpu.max", "100000 100000\n" } } },
    { "a process outside of its namespace's root",
      0,
      { { "/proc/self/cgroup", "0::/../other\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/cpu.max", "100000 100000\n" } } },
    { "a huge quota",
      INT32_MAX,
      { { "/proc/self/cgroup", "0::/\n" },
        { "/proc/self/mountinfo", V2_MOUNT },
        { "/sys/fs/cgroup/cpu.max", "9223372036854775807 1\n" } } },
    { "no newline at the end",
      2,
      { { "/proc/self/cgroup", "0::/" },
        { "/proc/self/mountinfo", "29 23 0:26 / /c rw - cgroup2 none rw" },
        { "/c/cpu.max", "200000 100000" } } },
};

/* What cpu.max may hold that is no quota. */
static const char *const nonsense[] = {
    "",
    "\n",
    "max\n",
    "max 0\n",
    "0 100000\n",
    "100000\n",
    "100000 \n",
    "100000 0\n",
    "-5 100000\n",
    "100000 -1\n",
    "1e5 100000\n",
    "100000 100000 1\n",
    "9223372036854775808 1\n",
    "100000\t100000\n",
    " 100000 100000\n",
    "100000 100000x\n",
    "111111111111111111111111111111111111111111111111111111111111111111111111111111 1\n",
};

START_TEST(a_containers_quota_is_read)
{
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        for (int f = 0; f < 8 && systems[i].files[f].path; f++) {
            put(systems[i].files[f].path, systems[i].files[f].text);
        }
        int quota = cnn__cpu_quota(test_folder);
        ck_assert_msg(quota == systems[i].cpus, "%s: %d CPUs, expected %d", systems[i].what, quota, systems[i].cpus);
        clear();
    }
}
END_TEST

START_TEST(what_is_no_quota_is_none)
{
    put("/proc/self/cgroup", "0::/\n");
    put("/proc/self/mountinfo", V2_MOUNT);
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        put("/sys/fs/cgroup/cpu.max", nonsense[i]);
        ck_assert_msg(cnn__cpu_quota(test_folder) == 0, "\"%s\" is taken as %d CPUs", nonsense[i],
                      cnn__cpu_quota(test_folder));
    }
    put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    static const char *const groups[] = { "",      "\n",     "0\n",     "0:\n",         "0::\n",
                                          "::/\n", "x::/\n", "0:cpu\n", "0::relative\n" };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        put("/proc/self/cgroup", groups[i]);
        ck_assert_msg(cnn__cpu_quota(test_folder) == 0, "the group \"%s\" is taken", groups[i]);
    }
    put("/proc/self/cgroup", "0::/\n");
    static const char *const mounts[] = { "",
                                          "\n",
                                          " - \n",
                                          "29 23 0:26 / - cgroup2\n",
                                          "29 23 0:26 / /sys/fs/cgroup rw\n",
                                          "29 23 0:26 / /sys/fs/cgroup rw - \n",
                                          "29 23 0:26 / /sys/fs/cgroup rw - cgroup\n",
                                          "29 23 0:26 / /sys/fs/cgroup rw - tmpfs cgroup2 rw\n" };
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        put("/proc/self/mountinfo", mounts[i]);
        ck_assert_msg(cnn__cpu_quota(test_folder) == 0, "the mount \"%s\" is taken", mounts[i]);
    }
    char line[6000]; /* longer than any path: the next line counts again */
    memset(line, 'x', sizeof line);
    strcpy(line + sizeof line - 200, " - cgroup2 none rw\n" V2_MOUNT);
    put("/proc/self/mountinfo", line);
    ck_assert_int_eq(cnn__cpu_quota(test_folder), 3);
    clear();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu");
    TCase *masks = suite_case(suite, "masks", setup, teardown);
    tcase_add_test(masks, every_cpu_of_a_large_machine_counts);
    tcase_add_test(masks, a_context_uses_all_cpus_that_there_are);
    tcase_add_test(masks, an_affinity_that_is_set_from_outside_is_kept);
    TCase *quotas = suite_case(suite, "quotas", setup, teardown);
    tcase_add_test(quotas, a_containers_quota_is_read);
    tcase_add_test(quotas, what_is_no_quota_is_none);
    return suite_run(suite);
}
