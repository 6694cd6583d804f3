/* Numbers and letters as C has them, whatever locale the program around the library has set. */
#ifndef MRQ_BASE_C_LOCALE_H
#define MRQ_BASE_C_LOCALE_H

#include <locale.h>

/* The C locale, for strtod_l() and its like. It is a part of the C library: never 0, never freed. Thread-safe. */
locale_t mrq_c_locale(void);

#endif
