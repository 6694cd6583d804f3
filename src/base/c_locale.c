#include "base/c_locale.h"

#include <pthread.h>

static locale_t c_locale;

static void find(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

locale_t mrq_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find);
    return c_locale;
}
