/* SPDX-License-Identifier: MIT */
#include "http/curl_fault.h"

static bool is_connected(CURL *easy) {
  curl_off_t before_request = 0;
  return curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &before_request) == CURLE_OK && before_request > 0;
}

static int report_broken(const char *target, const char *words, lj_fault *fault) {
  return lj_fault_set(fault, LJ_PROTOCOL, "%s: the connection broke before the answer was complete: %s", target, words);
}

int lj_curl_fault(CURL *easy, CURLcode result, const char *target, const char *detail, lj_fault *fault) {
  const char *words = detail != NULL && detail[0] != '\0' ? detail : curl_easy_strerror(result);
  switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return lj_fault_set(fault, LJ_UNREACHABLE,
                          "%s can't be reached: %s; the job waits until it can. Is the server running, is baseUrl right?",
                          target, words);
    case CURLE_OPERATION_TIMEDOUT:
      if (is_connected(easy)) return lj_fault_set(fault, LJ_TIMEOUT_TOTAL, "%s: %s", target, words);
      return lj_fault_set(fault, LJ_TIMEOUT_CONNECT, "%s: no connection in time: %s (timeouts.connectMs)", target, words);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_USE_SSL_FAILED:
      return lj_fault_set(fault, LJ_TLS, "%s: no secure connection: %s; a company's own certificates go into caFile", target,
                          words);
    case CURLE_OUT_OF_MEMORY:
      return lj_fault_set(fault, LJ_NOMEM, "%s: memory is short", target);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      /* Also what curl says of an answer that is no HTTP. */
      if (is_connected(easy)) return report_broken(target, words, fault);
      return lj_fault_set(fault, LJ_BAD_REQUEST, "%s: baseUrl is no http or https address: %s", target, words);
    default:
      /* Connections that break: GOT_NOTHING, PARTIAL_FILE, RECV_ERROR, SEND_ERROR, HTTP2, HTTP2_STREAM and the like. */
      return report_broken(target, words, fault);
  }
}
