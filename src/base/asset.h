/* Text files compiled into the program; the arrays end with a NULL name. */
#ifndef MRQ_BASE_ASSET_H
#define MRQ_BASE_ASSET_H

typedef struct mrq_asset {
    const char *name, *text;
} mrq_asset;

extern const mrq_asset mrq_schemas[];   /* data/schemas, in the dataset room */
extern const mrq_asset mrq_presets[];   /* data/models, in the model room */
extern const mrq_asset mrq_pages[];     /* src/http/page, in the http room */
extern const mrq_asset mrq_guides[];    /* data/README.md, in the program */
extern const mrq_asset mrq_documents[]; /* openapi.json there, without the fields of a query */

#endif
