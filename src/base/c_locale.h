/* Numbers and letters as in the C locale, whatever locale the surrounding program has set. */
#ifndef MRQ_BASE_C_LOCALE_H
#define MRQ_BASE_C_LOCALE_H

#include <locale.h>

/* The C locale, for strtod_l() and similar functions. It belongs to the C library: never 0, never freed. Thread-safe. */
locale_t mrq_c_locale(void);

#endif
