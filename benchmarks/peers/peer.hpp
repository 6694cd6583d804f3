// What the C++ peers of search share: the vectors that bench_index --dump has written, and how an index is measured. As in
// benchmarks/measure.c: one thread, one query at a time, a warm-up, three passes of a second at the most, and the same middles.
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

struct Vectors {
    std::string folder, name;
    unsigned n = 0, dim = 0, n_queries = 0, k = 0;
    std::vector<float> vector, query;
    std::vector<uint32_t> answer; // (n_queries, k) ascending

    std::string path(const std::string &what) const
    {
        return folder + "/" + name + "." + what;
    }

    template <class T> void read(const char *what, size_t count, std::vector<T> &out) const
    {
        out.resize(count);
        std::ifstream file(path(what), std::ios::binary);
        if (!file.read(reinterpret_cast<char *>(out.data()), static_cast<std::streamsize>(count * sizeof(T))))
            fail("cannot read " + path(what));
    }

    [[noreturn]] static void fail(const std::string &why)
    {
        std::fprintf(stderr, "%s\n", why.c_str());
        std::exit(1);
    }

    Vectors(const std::string &from, const std::string &of) : folder(from), name(of)
    {
        std::ifstream file(path("json"));
        const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        if (std::sscanf(text.c_str(), "{\"case\": \"%*[^\"]\", \"n\": %u, \"dim\": %u, \"n_queries\": %u, \"k\": %u", &n, &dim,
                        &n_queries, &k) != 4)
            fail(path("json") + " is not what bench_index --dump writes");
        read("vectors.f32", size_t(n) * dim, vector);
        read("queries.f32", size_t(n_queries) * dim, query);
        read("answers.u32", size_t(n_queries) * k, answer);
    }
};

inline double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double middle(std::vector<double> x)
{
    std::sort(x.begin(), x.end());
    return x[x.size() / 2];
}

/* What is known before the first query. */
struct Facts {
    std::string peer, version, kind;
    unsigned ef;
    double build_seconds; // below 0: read from a file
};

/* search(query, rows) writes k rows. Prints a line; false when more parameter cannot find much more. */
template <class Search> bool measure(const Vectors &v, const Facts &facts, Search search)
{
    std::vector<uint32_t> row(v.k);
    std::vector<double> seconds;
    unsigned same = 0;
    const auto pass = [&](unsigned queries) {
        seconds.assign(queries, 0);
        same = 0;
        for (unsigned q = 0; q < queries; q++) {
            const double start = now();
            search(v.query.data() + size_t(q) * v.dim, row.data());
            seconds[q] = now() - start;
            const uint32_t *answer = v.answer.data() + size_t(q) * v.k;
            for (const uint32_t r : row)
                same += std::binary_search(answer, answer + v.k, r);
        }
    };
    pass(std::min(20U, v.n_queries));
    const unsigned queries = unsigned(std::min(double(v.n_queries), std::max(50.0, 1 / middle(seconds))));
    std::vector<double> typical, p50, p95, p99;
    for (int repeat = 0; repeat < 3; repeat++) {
        pass(queries);
        const unsigned size = std::min(queries, 100U);
        for (unsigned first = 0; first + size <= queries; first += size)
            typical.push_back(std::accumulate(&seconds[first], &seconds[first] + size, 0.0) / size);
        std::sort(seconds.begin(), seconds.end());
        p50.push_back(seconds[queries / 2]);
        p95.push_back(seconds[queries * 95 / 100]);
        p99.push_back(seconds[queries * 99 / 100]);
    }
    std::printf("{\"peer\": \"%s\", \"version\": \"%s\", \"case\": \"%s\", \"kind\": \"%s\", \"parameter\": %u, \"queries\": %u, "
                "\"recall\": %.6f, \"typical\": %.9f, \"p50\": %.9f, \"p95\": %.9f, \"p99\": %.9f, \"build_seconds\": ",
                facts.peer.c_str(), facts.version.c_str(), v.name.c_str(), facts.kind.c_str(), facts.ef, queries,
                double(same) / (double(queries) * v.k), middle(typical), middle(p50), middle(p95), middle(p99));
    std::printf(facts.build_seconds < 0 ? "null}\n" : "%.3f}\n", facts.build_seconds);
    std::fflush(stdout);
    return same < 0.999 * queries * v.k;
}

inline const std::vector<unsigned> &parameters()
{
    static const std::vector<unsigned> list = {10, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256};
    return list;
}
