/* How each objective is trained. */
#include "train/train.h"

#include "train/trainer.h"

static mrq_status (*const train_for[])(const mrq_dataset *data, const mrq_description *description,
                                       const mrq_train_options *options, const mrq_train_watch *watch, mrq_train_result *out,
                                       mrq_error *err) = {[MRQ_RATING] = mrq_train_epochs, [MRQ_RANKING] = mrq_train_ranking};

mrq_status mrq_train(const mrq_dataset *data, const mrq_description *description, const mrq_train_options *options,
                     const mrq_train_watch *watch, mrq_train_result *out, mrq_error *err)
{
    static const mrq_train_watch nobody;
    return train_for[description->train.objective](data, description, options, watch ? watch : &nobody, out, err);
}
