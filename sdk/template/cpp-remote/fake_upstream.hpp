// The service, as far as tests need it: on a port of its own, with answers that a test writes down.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

class FakeUpstream {
public:
    struct Answer {
        int status = 200;
        std::string body;
        bool drop = false; // close the connection instead
    };

    // The answers to "METHOD /path", one after the other; the last one again and again.
    std::map<std::string, std::vector<Answer>> script;

    FakeUpstream() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
            ::getsockname(listener_, generic, &size) != 0)
            throw std::runtime_error("no port to listen on");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeUpstream() { stop(); }

    // From then on nobody answers at the address.
    void stop()
    {
        if (!thread_.joinable()) return;
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

    // What was asked, "METHOD /path", and the whole text of each request.
    std::vector<std::string> calls() const
    {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    std::string request(std::size_t n) const
    {
        const std::lock_guard lock(mutex_);
        return requests_.at(n);
    }

private:
    void serve()
    {
        while (true) {
            const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) return;
            const std::string text = read_request(client);
            const std::string call = text.substr(0, text.find(" HTTP/"));
            const Answer answer = next_answer(call, text);
            if (!answer.drop) send_all(client, answer);
            ::close(client);
        }
    }

    static std::string read_request(int client)
    {
        std::string text;
        char block[4096];
        while (true) {
            const auto end = text.find("\r\n\r\n");
            const auto length = text.find("Content-Length: ");
            const std::size_t body =
                length < end ? std::strtoul(text.c_str() + length + 16, nullptr, 10) : 0;
            if (end != std::string::npos && text.size() >= end + 4 + body) return text;
            const ssize_t got = ::recv(client, block, sizeof block, 0);
            if (got <= 0) return text;
            text.append(block, static_cast<std::size_t>(got));
        }
    }

    Answer next_answer(const std::string& call, const std::string& text)
    {
        const std::lock_guard lock(mutex_);
        calls_.push_back(call);
        requests_.push_back(text);
        auto& answers = script[call];
        if (answers.empty()) return {404, "{}"};
        const Answer answer = answers.front();
        if (answers.size() > 1) answers.erase(answers.begin());
        return answer;
    }

    static void send_all(int client, const Answer& answer)
    {
        std::string text = "HTTP/1.1 " + std::to_string(answer.status) +
                           " X\r\nRetry-After: 7\r\nConnection: close\r\nContent-Length: " +
                           std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
        for (std::size_t sent = 0; sent < text.size();) {
            const ssize_t n = ::send(client, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) return;
            sent += static_cast<std::size_t>(n);
        }
    }

    int listener_;
    unsigned port_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> calls_;
    std::vector<std::string> requests_;
    std::thread thread_;
};
