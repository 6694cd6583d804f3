/* Private to the index room: the parts of FAISS's C API in use. */
#ifndef MRQ_INDEX_FAISS_API_H
#define MRQ_INDEX_FAISS_API_H

#include <faiss/c_api/AutoTune_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <faiss/c_api/index_io_c.h>

#endif
