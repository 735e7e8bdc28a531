// The compiled part of Asio, once, so that the files which use it need not bring it along.
#include <boost/asio/impl/src.hpp>
