/*
 * Puts the wall clock of a process off by what a shared file says: one signed number, ns.
 *
 * The kernel has one wall clock for all machines that are containers (time namespaces shift the
 * monotonic clocks only), and programs read it without entering the kernel, in the vDSO. This
 * library, named in /etc/ld.so.preload, rewrites those functions of the vDSO when a program
 * starts, so that C and Go programs alike follow the file, at once and together. Statically
 * linked programs do not load it. Times that the kernel stamps on files stay true.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "/run/testbed/clock"
#define SECOND 1000000000LL

static const int64_t *offset; /* ns */

static void add(struct timespec *time, int64_t ns)
{
    int64_t sum = time->tv_sec * SECOND + time->tv_nsec + ns;
    time->tv_sec = sum / SECOND;
    time->tv_nsec = sum % SECOND;
}

/* No call into the C library here: Go calls these on a stack of its own. */
static long enter(long number, long first, long second)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second)
                     : "rcx", "r11", "memory");
    return result;
}

static int clock_off(clockid_t clock, struct timespec *time)
{
    long result = enter(SYS_clock_gettime, clock, (long)time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        add(time, *offset);
    return (int)result;
}

static int timeofday_off(struct timeval *value, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_off(CLOCK_REALTIME, &now);
    if (value != NULL) {
        value->tv_sec = now.tv_sec;
        value->tv_usec = now.tv_nsec / 1000;
    }
    return 0;
}

static time_t time_off(time_t *value)
{
    struct timespec now;
    clock_off(CLOCK_REALTIME, &now);
    if (value != NULL)
        *value = now.tv_sec;
    return now.tv_sec;
}

static void redirect(char *function, void *to)
{
    long page = sysconf(_SC_PAGESIZE);
    char *start = (char *)((uintptr_t)function & ~(uintptr_t)(page - 1));
    unsigned char jump[12] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0}; /* rax = to; jmp */
    memcpy(jump + 2, &to, sizeof to);
    if (mprotect(start, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0 &&
        mprotect(start, page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        return;
    memcpy(function, jump, sizeof jump);
    mprotect(start, page, PROT_READ | PROT_EXEC);
}

__attribute__((constructor)) static void begin(void)
{
    static const struct {
        const char *name;
        void *to;
    } functions[] = {
        {"__vdso_clock_gettime", clock_off},
        {"__vdso_gettimeofday", timeofday_off},
        {"__vdso_time", time_off},
    };
    char *image = (char *)getauxval(AT_SYSINFO_EHDR);
    int file = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
    if (file < 0 || image == NULL)
        return;
    void *shared = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (shared == MAP_FAILED)
        return;
    offset = shared;

    const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(image + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_DYNSYM)
            continue;
        const Elf64_Sym *symbols = (const Elf64_Sym *)(image + sections[i].sh_offset);
        const char *names = image + sections[sections[i].sh_link].sh_offset;
        for (size_t s = 0; s < sections[i].sh_size / sizeof *symbols; s++)
            for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
                if (strcmp(names + symbols[s].st_name, functions[f].name) == 0)
                    redirect(image + symbols[s].st_value, functions[f].to);
    }
}

/* Whoever waits until a time of the wall clock waits until the kernel's. */
static struct timespec kernel_time(const struct timespec *until)
{
    struct timespec time = *until;
    if (offset != NULL)
        add(&time, -*offset);
    return time;
}

#define NEXT(name, version)                                              \
    static __typeof__(&name) next;                                       \
    if (next == NULL)                                                    \
        next = (__typeof__(&name))dlvsym(RTLD_NEXT, #name, version);     \
    if (next == NULL)                                                    \
        next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until)
{
    NEXT(pthread_cond_timedwait, "GLIBC_2.3.2");
    if (condition->__data.__wrefs & 2) /* waits by the monotonic clock */
        return next(condition, mutex, until);
    struct timespec time = kernel_time(until);
    return next(condition, mutex, &time);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
    NEXT(pthread_mutex_timedlock, "GLIBC_2.2.5");
    struct timespec time = kernel_time(until);
    return next(mutex, &time);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    NEXT(pthread_rwlock_timedrdlock, "GLIBC_2.2.5");
    struct timespec time = kernel_time(until);
    return next(lock, &time);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until)
{
    NEXT(pthread_rwlock_timedwrlock, "GLIBC_2.2.5");
    struct timespec time = kernel_time(until);
    return next(lock, &time);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    NEXT(sem_timedwait, "GLIBC_2.2.5");
    struct timespec time = kernel_time(until);
    return next(semaphore, &time);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
                    struct timespec *left)
{
    NEXT(clock_nanosleep, "GLIBC_2.17");
    if (clock != CLOCK_REALTIME || !(flags & TIMER_ABSTIME))
        return next(clock, flags, wanted, left);
    struct timespec time = kernel_time(wanted);
    return next(clock, flags, &time, left);
}
