// Starts the page to try calls. Who is signed in to the portal may try them at once: changes then carry the session's
// second secret, which only a page of this node can read.
"use strict";

(async () => {
  let csrf = null;
  try {
    const answer = await fetch("/api/v1/sessions/current", { headers: { Accept: "application/json" } });
    if (answer.ok) {
      csrf = (await answer.json()).csrf;
    }
  } catch (error) {
    console.warn("nobody is signed in", error);
  }
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    requestInterceptor: (request) => {
      if (csrf && request.method !== "GET") {
        request.headers["X-CSRF-Token"] = csrf;
      }
      return request;
    },
  });
})();
