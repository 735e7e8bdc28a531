// What a provider left becomes a film that was opened, counted, made playable and held against what
// was promised. Everything here BLOCKS and belongs on the pool.
#pragma once

#include "host/engine/attempt.hpp"

namespace reelgate {

// The last offer that a film can be made of, if there is one.
const ArtifactOffer* film_among(const std::vector<ArtifactOffer>& offers, const Request& request);

// Copies it out of the provider's reach, decodes it to its end, compares it with the promise, and
// makes an MP4 of it where browsers would not play it; a film of which none can be made stays as it
// is, with a note. Where the plan wants pictures they are made too; what fails there is a note. For
// want of room on the disk it is begun again later: storage_full. Other codes: those of
// copy_from_work_dir() and probe_media(), of numbered pictures those of convert_media(), and
// `deviates`.
Result<VerifiedVideo>
verify_film(const MediaTool& media, const AttemptPlan& plan, const ArtifactOffer& offer);

} // namespace reelgate
