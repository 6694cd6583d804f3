/* The version of Marquee, in one place: the build reads it from here. */
#ifndef MARQUEE_VERSION_H
#define MARQUEE_VERSION_H

#define MRQ_VERSION "0.1.0"

#endif
