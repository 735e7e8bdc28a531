#include "host/media/probe.hpp"

#include "host/media/reading.hpp"

extern "C" {
#include <libavutil/log.h>
}

namespace reelgate {

Result<MediaFacts> probe(const Source& source, const ProbeLimits& limits)
{
    av_log_set_level(AV_LOG_QUIET); // what libav says about a hostile file is the file's to choose
    RG_TRY(const Layout layout, admitted_layout(source, limits));
    MediaReading reading(source, layout, limits);
    RG_CHECK(reading.open());
    ReadingListener counting_is_enough;
    RG_CHECK(reading.read(counting_is_enough));
    return reading.facts();
}

} // namespace reelgate
