#include "http/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

mrq_status mrq_token_read(const char *path, mrq_token *out, mrq_error *err)
{
    mrq_token token = {0};
    struct stat about = {0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool sound = fd >= 0 && fstat(fd, &about) == 0;
    const ssize_t n = sound && S_ISREG(about.st_mode) ? read(fd, token.text, sizeof token.text) : -1;
    const int code = errno;
    if (fd >= 0)
        close(fd);
    if (sound && !S_ISREG(about.st_mode))
        return mrq_fail(err, MRQ_USAGE, "token file %s: is no regular file", path);
    errno = code;
    if (n < 0)
        return mrq_fail_errno(err, "token file %s", path);
    if (about.st_mode & S_IROTH)
        return mrq_fail(err, MRQ_USAGE, "token file %s: everybody may read it (mode %03o), want 600", path, about.st_mode & 0777);
    token.size = (size_t)n;
    if (token.size && token.text[token.size - 1] == '\n')
        token.size--;
    if (token.size < MRQ_TOKEN_MIN || token.size > MRQ_TOKEN_MAX)
        return mrq_fail(err, MRQ_USAGE, "token file %s: has %zu characters%s, want one line of %d to %d", path, token.size,
                        token.size > MRQ_TOKEN_MAX ? " or more" : "", MRQ_TOKEN_MIN, MRQ_TOKEN_MAX);
    for (size_t i = 0; i < token.size; i++)
        if (token.text[i] <= ' ' || token.text[i] > '~')
            return mrq_fail(err, MRQ_USAGE, "token file %s: character %zu may not stand in a token, want ASCII without blanks",
                            path, i + 1);
    *out = token;
    return MRQ_OK;
}

bool mrq_token_matches(const mrq_token *token, const char *authorization)
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
