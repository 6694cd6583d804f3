#include "index/faiss_parts.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexScalarQuantizer.h>

using Floats = std::unique_ptr<const float[]>;

/* Finds the vectors or codes of a plain storage, `out->row_dim` numbers per row; finds none if the length is another. */
static bool look_at_rows(const faiss::Index *index, mrq_faiss_parts *out)
{
    const size_t n = static_cast<size_t>(index->ntotal), d = out->row_dim;
    if (index->d != static_cast<int>(d))
        return true;
    if (const auto *flat = dynamic_cast<const faiss::IndexFlat *>(index)) {
        out->rows = flat->get_xb();
        return flat->codes.size() == n * d * sizeof(float);
    }
    const auto *coded = dynamic_cast<const faiss::IndexScalarQuantizer *>(index);
    if (!coded || coded->sq.qtype != faiss::ScalarQuantizer::QT_8bit || coded->sq.trained.size() != 2 * d)
        return false;
    out->codes = coded->codes.data();
    out->low = coded->sq.trained.data();
    out->range = out->low + d;
    return coded->codes.size() == n * d;
}

static const faiss::Index *look_at_graph(const faiss::IndexHNSW *graph, mrq_faiss_parts *out)
{
    const faiss::HNSW &h = graph->hnsw;
    out->link = h.neighbors.data();
    out->n_links = h.neighbors.size();
    out->offset = h.offsets.data();
    out->n_offsets = h.offsets.size();
    out->level_start = h.cum_nneighbor_per_level.data();
    out->n_level_starts = h.cum_nneighbor_per_level.size();
    out->entry = h.entry_point;
    out->top_level = h.max_level;
    return graph->storage;
}

/* The index after a PCA; nullptr if there are other transforms. */
static const faiss::Index *look_at_rotation(const faiss::IndexPreTransform *pre, mrq_faiss_parts *out)
{
    const auto *linear = pre->chain.size() == 1 ? dynamic_cast<const faiss::LinearTransform *>(pre->chain[0]) : nullptr;
    if (!linear || !linear->is_trained || linear->d_in != pre->d || linear->d_out != pre->index->d ||
        linear->A.size() != static_cast<size_t>(linear->d_in) * static_cast<size_t>(linear->d_out))
        return nullptr;
    out->rotation = linear->A.data(); /* the offset that it adds is the same for all rows and does not change their order */
    return pre->index;
}

bool mrq_faiss_look_inside(const FaissIndex *index, mrq_faiss_parts *out)
{
    const auto *whole = reinterpret_cast<const faiss::Index *>(index), *inner = whole;
    mrq_faiss_parts parts = {};
    if (const auto *pre = dynamic_cast<const faiss::IndexPreTransform *>(inner))
        inner = look_at_rotation(pre, &parts);
    if (inner)
        parts.row_dim = static_cast<uint32_t>(inner->d);
    if (const auto *graph = dynamic_cast<const faiss::IndexHNSW *>(inner))
        inner = look_at_graph(graph, &parts);
    else if (!inner || parts.rotation || !dynamic_cast<const faiss::IndexFlat *>(inner))
        return false;
    if (!inner || inner->ntotal != whole->ntotal || !look_at_rows(inner, &parts))
        return false;
    *out = parts;
    return true;
}

/* Makes "HNSW32" or "HNSW32,SQ8"; the string may not have more. */
static faiss::Index *make_graph(const char *factory, int dim)
{
    int links = 0, end = 0, coded_end = 0;
    if (sscanf(factory, "HNSW%d%n,SQ8%n", &links, &end, &coded_end) != 1)
        return nullptr;
    if (!factory[end])
        return new faiss::IndexHNSWFlat(dim, links, faiss::METRIC_INNER_PRODUCT);
    if (!coded_end || factory[coded_end])
        return nullptr;
    return new faiss::IndexHNSWSQ(dim, faiss::ScalarQuantizer::QT_8bit, links, faiss::METRIC_INNER_PRODUCT);
}

static faiss::Index *make_quickly(const char *factory, int dim)
{
    int kept = 0, end = 0;
    if (factory[strspn(factory, "ACHNPQSW,0123456789")]) /* sscanf() would accept blanks and signs */
        return nullptr;
    if (sscanf(factory, "PCA%d,%n", &kept, &end) != 1 || !end)
        return make_graph(factory, dim);
    std::unique_ptr<faiss::Index> graph(make_graph(factory + end, kept));
    if (!graph)
        return nullptr;
    std::unique_ptr<faiss::VectorTransform> pca(new faiss::PCAMatrix(dim, kept));
    auto *whole = new faiss::IndexPreTransform(pca.get(), graph.get());
    whole->own_fields = true;
    pca.release();
    graph.release();
    return whole;
}

FaissIndex *mrq_faiss_make(const char *factory, int dim)
{
    try {
        return reinterpret_cast<FaissIndex *>(make_quickly(factory, dim));
    } catch (...) {
        return nullptr; /* FAISS's factory reports the reason */
    }
}

/* Trains PCA on the vectors and their negatives: their mean is zero, so that nothing is subtracted. */
static void train_rotation(faiss::VectorTransform *transform, uint32_t n, const float *x)
{
    const size_t d = static_cast<size_t>(transform->d_in);
    const uint32_t most = static_cast<uint32_t>(std::min<size_t>(50000, 500 * d)); /* FAISS would take a random sample of more */
    const uint32_t taken = std::min(n, most);
    std::vector<float> both(2 * taken * d);
    for (uint32_t i = 0; i < taken; i++) {
        const float *row = x + static_cast<uint64_t>(i) * n / taken * d;
        for (size_t j = 0; j < d; j++) {
            both[2 * i * d + j] = row[j];
            both[(2 * i + 1) * d + j] = -row[j];
        }
    }
    transform->train(2 * taken, both.data());
}

/* Adds rows to a trained graph over SQ8. */
static void link_rows(faiss::IndexHNSWSQ *graph, uint32_t n, const float *rows)
{
    faiss::IndexHNSWFlat flat(graph->d, graph->hnsw.nb_neighbors(1), graph->metric_type);
    flat.hnsw.efConstruction = graph->hnsw.efConstruction;
    flat.add(n, rows);
    graph->storage->add(n, rows);
    graph->hnsw = std::move(flat.hnsw);
    graph->ntotal = n;
}

static void fill(faiss::Index *whole, uint32_t n, const float *x)
{
    auto *pre = dynamic_cast<faiss::IndexPreTransform *>(whole);
    if (pre && dynamic_cast<faiss::PCAMatrix *>(pre->chain[0]))
        train_rotation(pre->chain[0], n, x);
    whole->train(n, x); /* trains the parts that are not trained yet */
    auto *graph = dynamic_cast<faiss::IndexHNSWSQ *>(pre ? pre->index : whole);
    if (!graph) {
        whole->add(n, x);
        return;
    }
    const float *rows = pre ? pre->apply_chain(n, x) : x;
    const Floats owned(rows != x ? rows : nullptr);
    link_rows(graph, n, rows);
    whole->ntotal = n;
}

bool mrq_faiss_fill(FaissIndex *index, uint32_t n, const float *vectors, char *problem, size_t size)
{
    try {
        fill(reinterpret_cast<faiss::Index *>(index), n, vectors);
        return true;
    } catch (const std::exception &e) {
        snprintf(problem, size, "%s", e.what());
    } catch (...) {
        snprintf(problem, size, "unknown error");
    }
    return false;
}
