#include "http/token.h"

#include <string.h>
#include <strings.h>

bool mrq_token_matches(const mrq_secret *token, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *sent = authorization + sizeof scheme - 1;
    const size_t size = strlen(sent);
    volatile size_t wrong = size ^ token->size; /* volatile: the compiler may not end the loop early */
    for (size_t i = 0; i < size; i++)
        wrong |= (size_t)((unsigned char)sent[i] ^ (unsigned char)token->text[i % token->size]);
    return wrong == 0;
}
