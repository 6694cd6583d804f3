#include "http/token.h"

#include <string.h>
#include <strings.h>

bool mrq_token_matches(const mrq_secret *token, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *told = authorization + sizeof scheme - 1;
    const size_t size = strlen(told);
    volatile size_t wrong = size ^ token->size; /* volatile: no compiler may leave early */
    for (size_t i = 0; i < size; i++)
        wrong |= (size_t)((unsigned char)told[i] ^ (unsigned char)token->text[i % token->size]);
    return wrong == 0;
}
