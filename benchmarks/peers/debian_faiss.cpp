// FAISS as Debian ships it, its library unchanged, without distances of ours. Usage: debian_faiss DIR CASE VERSION. The graph is
// kept in DIR; it is built with efConstruction 40, FAISS's default.
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>
#include <memory>
#include <omp.h>

#include "peer.hpp"

static bool ask(const Vectors &v, const Facts &facts, faiss::Index &index)
{
    std::vector<float> score(v.k);
    std::vector<faiss::Index::idx_t> label(v.k);
    return measure(v, facts, [&](const float *query, uint32_t *row) {
        index.search(1, query, v.k, score.data(), label.data());
        std::copy(label.begin(), label.end(), row);
    });
}

int main(int argc, char **argv)
{
    if (argc != 4)
        Vectors::fail("usage: debian_faiss DIR CASE VERSION");
    const Vectors v(argv[1], argv[2]);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    {
        faiss::IndexFlatIP flat(v.dim);
        flat.add(v.n, v.vector.data());
        ask(v, {"faiss-debian", argv[3], "Flat", 0, 0}, flat);
    }
    const std::string file = v.path("faiss-debian-hnsw32");
    std::unique_ptr<faiss::Index> index;
    double build = -1;
    if (std::ifstream(file)) {
        index.reset(faiss::read_index(file.c_str()));
    } else {
        index.reset(faiss::index_factory(int(v.dim), "HNSW32", faiss::METRIC_INNER_PRODUCT));
        omp_set_num_threads(threads);
        const double start = now();
        index->add(v.n, v.vector.data());
        build = now() - start;
        omp_set_num_threads(1);
        faiss::write_index(index.get(), file.c_str());
    }
    for (const unsigned ef : parameters()) {
        dynamic_cast<faiss::IndexHNSW &>(*index).hnsw.efSearch = int(ef);
        if (!ask(v, {"faiss-debian", argv[3], "HNSW32", ef, build}, *index))
            break;
    }
}
