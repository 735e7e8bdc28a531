// A provider with every optional ability, behind the entry symbol of this test program.
#include "sdk/face_fixture.hpp"

namespace reelgate {

Act act;
unsigned living;

namespace {

class Actor final : public IVideoProvider,
                    public IResumable,
                    public ICosted,
                    public IWarmable,
                    public IToolbox {
public:
    static Description describe()
    {
        return Description("org.example.actor", "Actor", "2.1.0")
            .license("MIT")
            .model(Json::parse(R"({"id": "m", "tasks": ["t2v"], "sizes": ["64x64"]})"))
            .concurrency(3)
            .silent_for(std::chrono::seconds(7))
            .cancel_within(std::chrono::minutes(1))
            .billing("paid")
            .egress("cloud")
            .resources(Json::parse(R"({"gpu": "optional"})"))
            .config("key", secret().title("API key").required())
            .config("level", choice({"low", "high"}).otherwise("low"))
            .config("names", list_of(text().max(9)).min(1))
            .param("speed", number().min(0.5).max(2).step(0.5).describe("How fast"))
            .param("grain", integer().min(0).hint("x-advanced"))
            .param("blink", flag().otherwise(false));
    }
    static Tools tools()
    {
        return Tools()
            .tool("check", "Checks a directory")
            .argument("directory", text().required())
            .tool("list", "Lists");
    }

    Actor(Host host, const Json& config) : host_(host), key_(config.at("key"))
    {
        if (key_ == "wrong")
            throw rejected("the key is wrong", Category::auth_failed).code("bad_key");
        ++living;
    }
    ~Actor() override { --living; }

    void run(Job& job) override
    {
        host_.info("actor.run",
                   {
                       {"key_size", key_.size()}
        });
        act(job);
    }
    void resume(Job& job, const Json& remote) override
    {
        job.progress(remote.at("id").get<std::string>(), 0.5);
    }
    Json abandon(const Json& remote) override
    {
        return {
            {"gave_up", remote.at("id")}
        };
    }
    Json estimate(const Json& request) override
    {
        return {
            {"usd", request.at("price")}
        };
    }
    Json amount(const Json&) override
    {
        throw busy("not yet").retry_after(std::chrono::seconds(9));
    }
    void load(std::string_view model) override { loaded_.push_back(model); }
    void unload(std::string_view) override { loaded_.clear(); }
    Json loaded() override { return loaded_; }
    Json call(std::string_view tool, const Json& arguments) override
    {
        return {
            {"tool", tool     },
            {"got",  arguments}
        };
    }

private:
    Host host_;
    std::string key_;
    Json loaded_ = Json::array();
};

} // namespace
} // namespace reelgate

RG_PLUGIN(reelgate::Actor)
