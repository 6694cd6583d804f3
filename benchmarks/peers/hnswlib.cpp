// hnswlib as Debian ships it (libhnswlib-dev, a header). A row has 32 links, and 64 on the lowest level, as in FAISS's HNSW32;
// efConstruction is hnswlib's own default, 200. Usage: hnswlib DIR CASE VERSION. The graph is kept in DIR.
#include <atomic>
#include <hnswlib/hnswlib.h>
#include <thread>

#include "peer.hpp"

int main(int argc, char **argv)
{
    if (argc != 4)
        Vectors::fail("usage: hnswlib DIR CASE VERSION");
    const Vectors v(argv[1], argv[2]);
    const std::string file = v.path("hnswlib-debian");
    hnswlib::InnerProductSpace space(v.dim);
    double build = -1;
    if (!std::ifstream(file)) {
        hnswlib::HierarchicalNSW<float> graph(&space, v.n, 32, 200);
        const double start = now();
        std::atomic<unsigned> next{0};
        const auto add = [&] {
            for (unsigned i; (i = next++) < v.n;)
                graph.addPoint(v.vector.data() + size_t(i) * v.dim, i);
        };
        graph.addPoint(v.vector.data(), next++);
        std::vector<std::thread> workers;
        for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); i++)
            workers.emplace_back(add);
        for (auto &worker : workers)
            worker.join();
        build = now() - start;
        graph.saveIndex(file);
    }
    hnswlib::HierarchicalNSW<float> graph(&space, file);
    for (const unsigned ef : parameters()) {
        graph.setEf(ef);
        const auto search = [&](const float *query, uint32_t *row) {
            auto found = graph.searchKnn(query, v.k);
            for (; !found.empty(); found.pop())
                *row++ = uint32_t(found.top().second);
        };
        if (!measure(v, {"hnswlib-debian", argv[3], "M=32 efConstruction=200", ef, build}, search))
            break;
    }
}
