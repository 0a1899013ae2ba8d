// Tells the thread sanitizer which accesses the Swift runtime orders on Linux, where the runtime itself is not instrumented.
//
// - Mutex: the part that is inlined into our code is instrumented, the part that waits (`_MutexHandle._lockSlow`, `_unlockSlow`) is not. Without
//   this, every access behind a contended lock would be reported as a race.
// - Continuations: one that is resumed before its task awaits it hands its value over without any instrumented step.
//
// `scripts/test-threads` preloads this library, which stands in front of those functions. It is part of nothing else.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SWIFT_ASYNC __attribute__((swiftasynccall))
#define SELF __attribute__((swift_context)) void *self
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// The sanitizer's own functions: weak, since every program that a test starts is preloaded as well.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

static void acquire(void *address) {
  if (__tsan_acquire) __tsan_acquire(address);
}

static void release(void *address) {
  if (__tsan_release) __tsan_release(address);
}

// Looked up at the first use, since the library that has it may be loaded after this one. Two threads that do so at once find the same.
#define NEXT(variable, name)                                   \
  if (!variable && !(variable = (void *)dlsym(RTLD_NEXT, name))) abort()

SWIFT void lock_slow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
SWIFT void lock_slow(uint32_t thread, SELF) {
  static SWIFT void (*next)(uint32_t, SELF);
  NEXT(next, LOCK_SLOW);
  next(thread, self);
  acquire(self);
}

SWIFT void unlock_slow(SELF) __asm__(UNLOCK_SLOW);
SWIFT void unlock_slow(SELF) {
  static SWIFT void (*next)(SELF);
  NEXT(next, UNLOCK_SLOW);
  release(self);
  next(self);
}

SWIFT void swift_continuation_resume(void *task) {
  static SWIFT void (*next)(void *);
  NEXT(next, "swift_continuation_resume");
  release(task);
  next(task);
}

SWIFT void swift_continuation_throwingResume(void *task) {
  static SWIFT void (*next)(void *);
  NEXT(next, "swift_continuation_throwingResume");
  release(task);
  next(task);
}

SWIFT void swift_continuation_throwingResumeWithError(void *task, void *error) {
  static SWIFT void (*next)(void *, void *);
  NEXT(next, "swift_continuation_throwingResumeWithError");
  release(task);
  next(task, error);
}

SWIFT_ASYNC void swift_continuation_await(void *continuation) {
  static SWIFT_ASYNC void (*next)(void *);
  static SWIFT void *(*current_task)(void);
  NEXT(next, "swift_continuation_await");
  NEXT(current_task, "swift_task_getCurrent");
  acquire(current_task());
  __attribute__((musttail)) return next(continuation);
}
