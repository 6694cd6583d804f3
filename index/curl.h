/* Private to the index room: libcurl's header without its macros, which would call functions that are not linked. */
#ifndef MRQ_INDEX_CURL_H
#define MRQ_INDEX_CURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

#endif
