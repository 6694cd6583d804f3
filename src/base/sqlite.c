#include "base/sqlite.h"

#include "base/library.h"

struct mrq_sqlite mrq_sqlite;

mrq_status mrq_sqlite_load(mrq_error *err)
{
#define SYMBOL(name) {"sqlite3_" #name, &mrq_sqlite.name},
    static const mrq_symbol symbols[] = {MRQ_SQLITE(SYMBOL)};
    return mrq_library_load("libsqlite3.so.0", "libsqlite3-0", symbols, sizeof symbols / sizeof *symbols, err);
}
