"""The errors of the API, as published samples have them. Where no sample exists, contract chapter 2.7 chose."""

from typing import Any

from .. import world

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_CLASSES = {
    400: "Client::BadRequest",
    401: "Client::Unauthorized",
    403: "Client::Forbidden",
    404: "Client::NotFound",
    409: "Client::Conflict",
    413: "Client::PayloadTooLarge",
    429: "Client::TooManyRequests",
    500: "Server::InternalServerError",
    # What was seen with "Service is temporarily unavailable" too.
    503: "Server::InternalServerError",
}


class ApiError(Exception):
    """An answer that is a refusal. error_code is the word of the old shape, details are of refusals by IAM."""

    def __init__(
        self, status: int, message: str, error_code: str | None = None, details: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.error_code = error_code
        self.details = details

    def body(self) -> dict[str, Any]:
        body = error_body(self.status, self.message, self.error_code)
        return body | {"details": self.details} if self.details is not None else body


def error_body(status: int, message: str, error_code: str | None = None) -> dict[str, Any]:
    """Return an error in the shape that stands switched."""
    if world.switch("error_shape") == "bare":
        return {"message": message}
    if world.switch("error_shape") == "old":
        code = error_code or _REASONS.get(status, "Error").upper().replace(" ", "_")
        return {
            "errorCode": code,
            "httpCode": f"{status} {_REASONS.get(status, 'Error')}",
            "message": message,
        }
    family = "Client" if status < 500 else "Server"
    return {"class": _CLASSES.get(status, f"{family}::Error"), "message": message}


def bad_request(message: str) -> ApiError:
    return ApiError(400, message, "INVALID_ARGUMENT")


def not_found(message: str) -> ApiError:
    return ApiError(404, message, "NOT_FOUND")


def no_such(name: str, value: object) -> ApiError:
    return not_found(f"The requested object ({name} = {value}) does not exist")


no_route = ApiError(404, "Got an invalid (or empty) URL", "NOT_FOUND")
login_first = ApiError(401, "You must login first", "NOT_AUTHENTICATED")
key_needed = ApiError(401, "You must send your application key to request new credentials", "MISSING_KEY")
invalid_key = ApiError(403, "This application key is invalid", "INVALID_KEY")
not_credential = ApiError(403, "This credential does not exist", "NOT_CREDENTIAL")
invalid_credential = ApiError(403, "This credential is not valid", "INVALID_CREDENTIAL")
not_granted = ApiError(403, "This call has not been granted", "NOT_GRANTED_CALL")
out_of_time = ApiError(400, "Query out of time", "QUERY_TIME_OUT")
invalid_signature = ApiError(400, "Invalid signature", "INVALID_SIGNATURE")


def not_granted_by_iam(action: str) -> ApiError:
    details = {"unauthorizedActionsByAuthentication": "", "unauthorizedActionsByIAM": action}
    return ApiError(403, "User not granted for this request", "FORBIDDEN", details)
