/* What the files of the reader share: reader.c opens files, record.c cuts records, header.c reads the first line. */
#ifndef MRQ_DATASET_READER_PRIVATE_H
#define MRQ_DATASET_READER_PRIVATE_H

#include "dataset/reader.h"

#define MRQ_NO_FIELD UINT16_MAX

/* A record begins here. */
void mrq_reader_begin(mrq_reader *reader);

/* Whether only line ends are left. A blank line anywhere else is an error. */
bool mrq_reader_at_end(mrq_reader *reader);

/* Cuts the record at reader->at, of any format; `*more` is false when there is none. */
MRQ_CHECKED mrq_status mrq_reader_cut(mrq_reader *reader, bool *more, mrq_error *err);

/* Reads a field, and whether it is the last one of its record. */
MRQ_CHECKED mrq_status mrq_reader_field(mrq_reader *reader, mrq_span *span, bool *last, mrq_error *err);

/* MRQ_BAD_FILE for what is no UTF-8, or was none before it was converted. */
mrq_status mrq_reader_refuse_byte(const mrq_reader *reader, const char *p, size_t size, mrq_error *err);

/* Finds the schema's columns in the header. */
MRQ_CHECKED mrq_status mrq_header_read(mrq_reader *reader, bool *more, mrq_error *err);

/* MRQ_BAD_FILE when the record, of a file with columns by name, is the header once more. */
MRQ_CHECKED mrq_status mrq_header_refuse_again(const mrq_reader *reader, mrq_error *err);

/* MRQ_BAD_FILE when the first record, which was read, is data where the schema wants a header, or a header where it wants data. */
MRQ_CHECKED mrq_status mrq_header_check(const mrq_reader *reader, mrq_error *err);

#endif
