// Tells the thread sanitizer what a Mutex of Swift's Synchronization does where it waits: on Linux that is in a library
// that is not instrumented, so that what happens under the lock would look like a race. Scripts/sanitize preloads it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

// Synchronization._MutexHandle: _lockSlow(_ selfId: UInt32) and _unlockSlow(), in Swift's calling convention.
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

typedef SWIFT void (*Lock)(uint32_t, SELF void *);
typedef SWIFT void (*Unlock)(SELF void *);

static Lock realLock;
static Unlock realUnlock;
static void (*acquire)(void *), (*release)(void *);

__attribute__((constructor)) static void find(void) {
    realLock = (Lock)dlsym(RTLD_NEXT, LOCK);
    realUnlock = (Unlock)dlsym(RTLD_NEXT, UNLOCK);
    acquire = (void (*)(void *))dlsym(RTLD_DEFAULT, "__tsan_acquire");
    release = (void (*)(void *))dlsym(RTLD_DEFAULT, "__tsan_release");
}

SWIFT void lock(uint32_t thread, SELF void *mutex) __asm__(LOCK);
SWIFT void lock(uint32_t thread, SELF void *mutex) {
    realLock(thread, mutex);
    if (acquire) acquire(mutex);
}

SWIFT void unlock(SELF void *mutex) __asm__(UNLOCK);
SWIFT void unlock(SELF void *mutex) {
    if (release) release(mutex);
    realUnlock(mutex);
}
