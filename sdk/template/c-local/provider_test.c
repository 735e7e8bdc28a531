/* The table as a host calls it. Each test is a function; the first thing that is not so ends the program. */
#define _GNU_SOURCE
#include "small_host.h"

static const char kRequest[] =
    "{\"prompt\":\"a \\\"width\\\": 7 lighthouse\",\"width\":64,\"height\":48,\"frames\":5,\"fps\":24,"
    "\"seed\":1,\"params\":{}}";

static void it_describes_itself(const rg_provider* table)
{
    record r = {.on_intend = RG_OK};
    const rg_sink out = small_sink(&r);
    CHECK(table->describe(&out) == RG_OK);
    CHECK(strstr(r.answer, "\"id\": \"@ID@\"") != NULL);
}

static void it_writes_the_film_that_was_asked_for(const rg_provider* table)
{
    record r = small_record();
    void* self = small_create(table, "{\"brightness\":200}");
    const rg_job job = small_job(&r, kRequest);
    const rg_sink out = small_sink(&r);
    CHECK(table->run(self, &job, &out) == RG_OK);
    CHECK(strcmp(r.order, "pA") == 0 && r.steps == 5);
    CHECK(strcmp(r.artifact, "clip.y4m") == 0);
    const long header = (long)strlen("YUV4MPEG2 W64 H48 F24:1 C420jpeg\n");
    CHECK(small_size_of(&r, "clip.y4m") == header + 5 * (6 + 64 * 48 * 3 / 2));
    table->destroy(self);
    small_forget(&r, "clip.y4m", "");
}

static void a_cancelled_job_hands_over_nothing(const rg_provider* table)
{
    record r = small_record();
    r.cancel_at = 2;
    void* self = small_create(table, "{\"brightness\":200}");
    const rg_job job = small_job(&r, kRequest);
    const rg_sink out = small_sink(&r);
    CHECK(table->run(self, &job, &out) == RG_CANCELLED);
    CHECK(strcmp(r.order, "p") == 0 && r.steps == 2);
    table->destroy(self);
    small_forget(&r, "clip.y4m", "");
}

static void there_is_no_film_without_a_size(const rg_provider* table)
{
    record r = small_record();
    void* self = small_create(table, "{\"brightness\":200}");
    const rg_job job = small_job(&r, "{\"width\":0,\"height\":48,\"frames\":5,\"fps\":24}");
    const rg_sink out = small_sink(&r);
    CHECK(table->run(self, &job, &out) == RG_REJECTED);
    CHECK(r.artifact[0] == '\0');
    table->destroy(self);
    small_forget(&r, "clip.y4m", "");
}

static void a_film_that_cannot_be_written_is_a_failure(const rg_provider* table)
{
    record r = {.work_dir = "/dev/null/nowhere"};
    void* self = small_create(table, "{\"brightness\":200}");
    const rg_job job = small_job(&r, kRequest);
    const rg_sink out = small_sink(&r);
    CHECK(table->run(self, &job, &out) == RG_FAILED);
    CHECK(strstr(r.answer, "storage_full") != NULL && r.artifact[0] == '\0');
    table->destroy(self);
}

int main(void)
{
    const rg_provider* table = reelgate_provider_v1();
    CHECK(table->struct_size >= sizeof(rg_provider));
    it_describes_itself(table);
    it_writes_the_film_that_was_asked_for(table);
    a_cancelled_job_hands_over_nothing(table);
    there_is_no_film_without_a_size(table);
    a_film_that_cannot_be_written_is_a_failure(table);
    return 0;
}
