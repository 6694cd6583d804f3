/* The functions of FAISS's C API that faiss.c calls, for systems that have the headers of that API without its library (Debian's
 * libfaiss-dev). Signatures and return codes follow the headers: 0; -2 for a FAISS exception, -4 for another standard exception, -1
 * for anything else. No C++ exception leaves this file. The text of the last error is kept in an array per thread, so that storing
 * it cannot fail. */
#include <cstdio>
#include <exception>

#include <faiss/AutoTune.h>
#include <faiss/Index.h>
#include <faiss/impl/FaissException.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>

#include "index/faiss_api.h"

static thread_local char last_error[1024];

static int keep(int code, const char *what)
{
    snprintf(last_error, sizeof last_error, "%s", what);
    return code;
}

/* Runs `work` and turns an exception into a return code. */
template <class Work> static int guarded(Work work)
{
    try {
        work();
        return OK;
    } catch (const faiss::FaissException &e) {
        return keep(FAISS_EXCEPT, e.what());
    } catch (const std::exception &e) {
        return keep(STD_EXCEPT, e.what());
    } catch (...) {
        return keep(UNKNOWN_EXCEPT, "unknown error");
    }
}

static const faiss::Index *plain(const FaissIndex *index)
{
    return reinterpret_cast<const faiss::Index *>(index);
}

static faiss::Index *plain(FaissIndex *index)
{
    return reinterpret_cast<faiss::Index *>(index);
}

const char *faiss_get_last_error()
{
    return last_error;
}

int faiss_index_factory(FaissIndex **p_index, int d, const char *description, FaissMetricType metric)
{
    return guarded([&] {
        *p_index = reinterpret_cast<FaissIndex *>(faiss::index_factory(d, description, static_cast<faiss::MetricType>(metric)));
    });
}

void faiss_Index_free(FaissIndex *index)
{
    delete plain(index);
}

idx_t faiss_Index_ntotal(const FaissIndex *index)
{
    return plain(index)->ntotal;
}

FaissMetricType faiss_Index_metric_type(const FaissIndex *index)
{
    return static_cast<FaissMetricType>(plain(index)->metric_type);
}

int faiss_Index_search(const FaissIndex *index, idx_t n, const float *x, idx_t k, float *distances, idx_t *labels)
{
    return guarded([&] { plain(index)->search(n, x, k, distances, labels); });
}

int faiss_ParameterSpace_new(FaissParameterSpace **space)
{
    return guarded([&] { *space = reinterpret_cast<FaissParameterSpace *>(new faiss::ParameterSpace()); });
}

void faiss_ParameterSpace_free(FaissParameterSpace *space)
{
    delete reinterpret_cast<faiss::ParameterSpace *>(space);
}

int faiss_ParameterSpace_set_index_parameter(const FaissParameterSpace *space, FaissIndex *index, const char *name, double value)
{
    return guarded([&] { reinterpret_cast<const faiss::ParameterSpace *>(space)->set_index_parameter(plain(index), name, value); });
}

int faiss_write_index(const FaissIndex *index, FILE *f)
{
    return guarded([&] { faiss::write_index(plain(index), f); });
}

int faiss_read_index(FILE *f, int io_flags, FaissIndex **p_out)
{
    return guarded([&] { *p_out = reinterpret_cast<FaissIndex *>(faiss::read_index(f, io_flags)); });
}
