// A libcurl easy handle that cleans up behind itself. Not part of the installed headers.
#pragma once

#include <curl/curl.h>

#include <string>
#include <type_traits>

namespace reelgate::http {

// Options go through here so that none can fail unseen: a security option that a different
// libcurl does not know must stop the call.
class Easy {
public:
    Easy() : handle_{curl_easy_init()}, ok_{handle_ != nullptr} {}
    Easy(const Easy&) = delete;
    Easy& operator=(const Easy&) = delete;
    ~Easy()
    {
        if (in_ != nullptr) curl_multi_remove_handle(in_, handle_);
        curl_easy_cleanup(handle_);
        curl_slist_free_all(list_);
    }

    template <class T>
    void set(CURLoption option, T value)
    {
        static_assert(!std::is_same_v<T, int>, "options take long");
        if (ok_) ok_ = (curl_easy_setopt)(handle_, option, value) == CURLE_OK;
    }

    void add_header(const std::string& line)
    {
        curl_slist* longer = curl_slist_append(list_, line.c_str());
        ok_ = ok_ && longer != nullptr;
        if (longer != nullptr) list_ = longer;
    }

    bool enter(CURLM* multi)
    {
        set(CURLOPT_HTTPHEADER, list_);
        if (!ok_ || curl_multi_add_handle(multi, handle_) != CURLM_OK) return false;
        in_ = multi;
        return true;
    }

    template <class T>
    T info(CURLINFO what) const
    {
        T out{};
        (curl_easy_getinfo)(handle_, what, &out);
        return out;
    }

private:
    CURL* handle_;
    bool ok_;
    curl_slist* list_ = nullptr;
    CURLM* in_ = nullptr;
};

} // namespace reelgate::http
