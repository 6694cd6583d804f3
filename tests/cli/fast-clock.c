/* Time that runs SPEED times as fast, for a program that this is preloaded to: limits of a minute are met within seconds, by the
 * program as it is. Waits of the kernel's take as long as ever. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPEED 40

int clock_gettime(clockid_t id, struct timespec *out)
{
    const long failed = syscall(SYS_clock_gettime, id, out);
    if (failed || id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        return (int)failed;
    const long nanoseconds = out->tv_nsec * SPEED;
    out->tv_sec = out->tv_sec * SPEED + nanoseconds / 1000000000;
    out->tv_nsec = nanoseconds % 1000000000;
    return 0;
}
