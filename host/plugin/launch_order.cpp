#include "host/plugin/launch_order.hpp"

#include "host/plugin/json.hpp"

#include <nlohmann/json.hpp>

namespace reelgate {
namespace {

Json to_json(const JailOrder& jail)
{
    Json json{
        {"confine",       jail.confine      },
        {"strict",        jail.strict       },
        {"allow_network", jail.allow_network},
        {"max_file_kb",   jail.max_file_kb  },
        {"read_only",     jail.read_only    },
        {"read_write",    jail.read_write   },
        {"work_root",     jail.work_root    }
    };
    if (jail.memory_mb) json["memory_mb"] = *jail.memory_mb;
    if (jail.cores) json["cores"] = *jail.cores;
    return json;
}

JailOrder jail_from(const Json& json)
{
    JailOrder jail;
    jail.confine = json.at("confine");
    jail.strict = json.at("strict");
    jail.allow_network = json.at("allow_network");
    jail.max_file_kb = json.at("max_file_kb");
    jail.read_only = json.at("read_only").get<std::vector<std::string>>();
    jail.read_write = json.at("read_write").get<std::vector<std::string>>();
    jail.work_root = json.at("work_root");
    if (json.contains("memory_mb")) jail.memory_mb = json["memory_mb"].get<std::uint64_t>();
    if (json.contains("cores")) jail.cores = json["cores"].get<unsigned>();
    return jail;
}

} // namespace

std::string to_text(const LaunchOrder& order)
{
    const Json json{
        {"exec",        order.exec                   },
        {"plugin_dir",  order.plugin_dir             },
        {"library",     order.library                },
        {"command",     order.command                },
        {"stdio",       order.stdio                  },
        {"plugin_name", order.plugin_name            },
        {"data_dir",    order.data_dir               },
        {"cache_dir",   order.cache_dir              },
        {"jail",        to_json(order.jail)          },
        {"shape",       static_cast<int>(order.shape)},
        {"host_minor",  order.host_minor             },
        {"cycles",      order.cycles                 }
    };
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<LaunchOrder> launch_order_from(std::string_view text)
{
    try {
        const Json json = Json::parse(text);
        LaunchOrder order;
        order.exec = json.at("exec");
        order.plugin_dir = json.at("plugin_dir");
        order.library = json.at("library");
        order.command = json.at("command").get<std::vector<std::string>>();
        order.stdio = json.at("stdio");
        order.plugin_name = json.at("plugin_name");
        order.data_dir = json.at("data_dir");
        order.cache_dir = json.at("cache_dir");
        order.jail = jail_from(json.at("jail"));
        order.shape = static_cast<HostShape>(json.at("shape").get<int>());
        order.host_minor = json.at("host_minor");
        order.cycles = json.at("cycles");
        return order;
    } catch (const Json::exception& e) {
        return invalid(std::string("the launch order cannot be read: ") + e.what(), "bad_order");
    }
}

} // namespace reelgate
