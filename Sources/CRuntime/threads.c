#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include "apus_threads.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, FILE_BYTES = 8192, NUMBER_BYTES = 128 };

/// Of each processor, whether it is in a set.
typedef struct {
    unsigned char has[APUS_MOST_PROCESSORS];
} Set;

/// The beginning of a file as a text; 0 if there is none.
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static int read_file(char *text, size_t size, const char *format, ...) {
    char path[PATH_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= PATH_BYTES) return 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    size_t count = fread(text, 1, size - 1, file);
    fclose(file);
    text[count] = 0;
    return 1;
}

/// Reads digits, and nothing else that the library of C would take for a number.
static int read_number(const char **text, double *number) {
    const char *start = *text;
    for (*number = 0; **text >= '0' && **text <= '9'; ++*text) *number = 10 * *number + (**text - '0');
    return *text > start;
}

static const char *after_spaces(const char *text) { return text + strspn(text, " \t\r\n"); }

/// Reads a list such as "0-3,8"; gives how many there are, 0 for what is no list.
static int read_list(const char *text, Set *set) {
    int count = 0;
    memset(set, 0, sizeof *set);
    for (text = after_spaces(text); *text >= '0' && *text <= '9';) {
        double first, last;
        read_number(&text, &first);
        last = first;
        if (*text == '-' && (++text, !read_number(&text, &last))) return 0;
        for (double number = first; number <= last && number < APUS_MOST_PROCESSORS; number++) {
            if (!set->has[(int)number]) count++;
            set->has[(int)number] = 1;
        }
        if (*text == ',') text++;
    }
    return *after_spaces(text) == 0 ? count : 0;
}

// MARK: - Control groups

/// Takes the smaller limit of two; a quota of "max" or -1 is none.
static void limit(double *smallest, const char *quota, const char *period) {
    double time, whole;
    quota = after_spaces(quota);
    if (!read_number(&quota, &time) || time <= 0) return;
    period = after_spaces(period == NULL ? quota : period);
    if (!read_number(&period, &whole) || whole <= 0 || *after_spaces(period) != 0) return;
    if (*smallest == 0 || time / whole < *smallest) *smallest = time / whole;
}

/// The limits of a group and of all around it. In a container the path may be the host's, whose part above the
/// container is not to be seen there.
///
/// Reference: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max), scheduler/sched-bwc.rst.
static void limit_by_group(double *smallest, const char *root, const char *mount, int version, char *group) {
    char quota[NUMBER_BYTES], period[NUMBER_BYTES];
    for (;;) {
        size_t length = strlen(group);
        while (length > 0 && group[length - 1] == '/') group[--length] = 0;
        if (version == 2) {
            if (read_file(quota, sizeof quota, "%s/sys/fs/cgroup%s%s/cpu.max", root, mount, group)) {
                limit(smallest, quota, NULL);
            }
        } else if (read_file(quota, sizeof quota, "%s/sys/fs/cgroup%s%s/cpu.cfs_quota_us", root, mount, group)
                   && read_file(period, sizeof period, "%s/sys/fs/cgroup%s%s/cpu.cfs_period_us", root, mount, group)) {
            limit(smallest, quota, period);
        }
        if (length == 0) return;
        char *last = strrchr(group, '/');
        *(last == NULL ? group : last) = 0;
    }
}

static int names_cpu(const char *controllers) {
    for (const char *name = controllers;; name++) {
        size_t length = strcspn(name, ",");
        if (length == 3 && strncmp(name, "cpu", 3) == 0) return 1;
        name += length;
        if (*name == 0) return 0;
    }
}

static double read_quota(const char *root) {
    static const char *const mounts[] = {"", "/unified", "/cpu", "/cpu,cpuacct", "/cpuacct,cpu"};
    char text[FILE_BYTES], group[FILE_BYTES], *line = text;
    double smallest = 0;
    if (!read_file(text, sizeof text, "%s/proc/self/cgroup", root)) return 0;
    while (line != NULL) {
        // hierarchy:controllers:path
        char *next = strchr(line, '\n'), *controllers = strchr(line, ':');
        if (next != NULL) *next++ = 0;
        char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        line = next;
        if (path == NULL) continue;
        *controllers++ = 0;
        *path++ = 0;
        int version = *controllers == 0 ? 2 : 1;
        if (version == 1 && !names_cpu(controllers)) continue;
        for (size_t number = version == 2 ? 0 : 2; number < (version == 2 ? 2 : 5); number++) {
            strcpy(group, path);
            limit_by_group(&smallest, root, mounts[number], version, group);
        }
    }
    return smallest;
}

// MARK: - Processors

/// The processors that a line of the status of a thread, or else of its process, allows.
static int read_allowed(const char *root, Set *set) {
    static const char name[] = "\nCpus_allowed_list:";
    char text[FILE_BYTES];
    if (!read_file(text, sizeof text, "%s/proc/thread-self/status", root)
        && !read_file(text, sizeof text, "%s/proc/self/status", root)) {
        return 0;
    }
    char *line = strstr(text, name);
    if (line == NULL) return 0;
    line += sizeof name - 1;
    line[strcspn(line, "\n")] = 0;
    return read_list(line, set);
}

/// Whether this is a virtual machine of x86.
static int is_virtual(const char *root) {
    char text[FILE_BYTES];
    if (!read_file(text, sizeof text, "%s/proc/cpuinfo", root)) return 0;
    char *line = strstr(text, "\nflags");
    if (line == NULL) return 0;
    line[1 + strcspn(line + 1, "\n")] = 0;
    return strstr(line, " hypervisor") != NULL;
}

/// How many processors of a set have a lower number and are on the same core.
static int rank(const char *root, const Set *set, int processor) {
    char text[FILE_BYTES];
    Set siblings;
    int count = 0;
    if (!read_file(text, sizeof text, "%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, processor)
        || read_list(text, &siblings) == 0) {
        return 0;
    }
    for (int other = 0; other < processor; other++) count += set->has[other] && siblings.has[other];
    return count;
}

void apus_processors_find(const char *root, apus_processors *processors, int *numbers, int capacity) {
    static const apus_processors nothing;
    Set online, allowed;
    char text[FILE_BYTES];
    unsigned char ranks[APUS_MOST_PROCESSORS];
    *processors = nothing;
    if (read_file(text, sizeof text, "%s/sys/devices/system/cpu/online", root)) {
        processors->online = read_list(text, &online);
    }
    if (processors->online == 0) {
        // Another system than Linux, or one that shows little.
        long count = sysconf(_SC_NPROCESSORS_ONLN);
        processors->online = count < 1 ? 1 : count > APUS_MOST_PROCESSORS ? APUS_MOST_PROCESSORS : (int)count;
        for (int number = 0; number < APUS_MOST_PROCESSORS; number++) online.has[number] = number < processors->online;
    }
    // A mask may allow what is not there.
    int has_mask = read_allowed(root, &allowed) > 0;
    for (int number = 0; number < APUS_MOST_PROCESSORS && has_mask; number++) {
        allowed.has[number] = allowed.has[number] && online.has[number];
        processors->allowed += allowed.has[number];
    }
    if (processors->allowed == 0) {
        allowed = online;
        processors->allowed = processors->online;
    }
    int most = 0, place = 0;
    for (int number = 0; number < APUS_MOST_PROCESSORS; number++) {
        if (!allowed.has[number]) continue;
        int value = rank(root, &allowed, number);
        ranks[number] = (unsigned char)(value < 255 ? value : 255);
        if (ranks[number] > most) most = ranks[number];
        if (value == 0) processors->cores++;
    }
    for (int value = 0; value <= most && numbers != NULL; value++) {
        for (int number = 0; number < APUS_MOST_PROCESSORS && place < capacity; number++) {
            if (allowed.has[number] && ranks[number] == value) numbers[place++] = number;
        }
    }
    // What a virtual machine calls a core need not be one: two "threads of a core" multiplied twice as fast as a core
    // can (Docs/Performance.md). Too few threads cost half of the speed there, too many some per cent elsewhere.
    if (is_virtual(root)) processors->cores = processors->allowed;
    processors->quota = read_quota(root);
}

/// The threads that a quota has work for; a part of a processor is worth one.
static int within_quota(int threads, double quota) {
    if (quota <= 0 || quota >= threads) return threads;
    return (int)quota + ((int)quota < quota);
}

int apus_processors_at_once(const apus_processors *processors) {
    return within_quota(processors->allowed, processors->quota);
}

// MARK: - Threads

/// The number of threads that a variable gives; of a list, as OpenMP has them for loops within loops, the first. 0 for
/// what is no number of threads.
static int read_threads(const char *value) {
    double number;
    const char *text = after_spaces(value);
    if (!read_number(&text, &number) || number > APUS_MOST_THREADS) return 0;
    text = after_spaces(text);
    return *text == 0 || *text == ',' ? (int)number : 0;
}

static void describe(const apus_processors *processors, int threads, char *text, size_t size) {
    int cores = processors->cores, allowed = processors->allowed, online = processors->online;
    if (threads < cores) {
        snprintf(text, size, "quota of %.3g of %d processors", processors->quota, allowed);
        return;
    }
    const char *kind = cores < allowed ? "core" : "processor";
    int length = cores == 1 ? snprintf(text, size, "for one %s", kind)
                            : snprintf(text, size, "one for each of %d %ss", cores, kind);
    text += length;
    size -= (size_t)length;
    if (allowed < online) {
        snprintf(text, size, "; the affinity mask allows %d of %d processors", allowed, online);
    } else if (cores < allowed) {
        snprintf(text, size, " of %d processors", allowed);
    }
}

int apus_threads_choose(const apus_processors *processors, int asked, const char *own, const char *general, char *text,
                        size_t size) {
    char why[256], remark[128] = "";
    int threads = asked, at_once = apus_processors_at_once(processors);
    snprintf(why, sizeof why, "as asked for");
    if (threads == 0 && own != NULL && *own != 0) {
        threads = read_threads(own);
        if (threads == 0) {
            snprintf(text, size, "APUS_NUM_THREADS is '%.60s'; it must be a number of threads, from 1 to %d", own,
                     APUS_MOST_THREADS);
            return 0;
        }
        snprintf(why, sizeof why, "by APUS_NUM_THREADS");
    }
    if (threads == 0 && general != NULL && *general != 0) {
        threads = read_threads(general);
        snprintf(why, sizeof why, "by OMP_NUM_THREADS");
        if (threads == 0) {
            snprintf(remark, sizeof remark, "; OMP_NUM_THREADS is '%.60s', which is no number of threads", general);
        }
    }
    if (threads == 0) {
        threads = within_quota(processors->cores, processors->quota);
        describe(processors, threads, why, sizeof why);
    } else if (threads > at_once) {
        snprintf(remark, sizeof remark, "; %d can work at the same time", at_once);
    }
    snprintf(text, size, "%d thread%s (%s%s)", threads, threads == 1 ? "" : "s", why, remark);
    return threads;
}
