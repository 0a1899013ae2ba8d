// What glibc's allocator offers beyond the C standard; Swift's own module of glibc leaves it out.
#if defined(__linux__)
#include_next <malloc.h>
#endif
