"use strict";

// Starts Swagger UI or ReDoc, whichever the page names, or says that its files could not be loaded.

const patienceMilliseconds = 5000;
const description = "openapi.json";
const place = document.getElementById("documentation");
const unavailable = document.getElementById("unavailable");

function addStyleSheet({ style, styleIntegrity }) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.crossOrigin = "anonymous";
  link.integrity = styleIntegrity;
  link.href = style;
  document.head.append(link);
}

const interfaces = {
  "Swagger UI": {
    isLoaded: () => "SwaggerUIBundle" in window,
    prepare: () => addStyleSheet(document.body.dataset),
    start: () => SwaggerUIBundle({ url: description, domNode: place, deepLinking: true, layout: "BaseLayout", presets: [SwaggerUIBundle.presets.apis] }),
  },
  "ReDoc": {
    isLoaded: () => "Redoc" in window,
    prepare: () => {},
    start: () => Redoc.init(description, {}, place),
  },
};

const shown = interfaces[document.body.dataset.interface];
shown.prepare();

// A mirror that does not answer at all keeps the browser waiting for minutes.
const patience = setTimeout(() => { unavailable.hidden = false; }, patienceMilliseconds);

// By then the file has been run, or could not be loaded: its script is deferred.
document.addEventListener("DOMContentLoaded", () => {
  clearTimeout(patience);
  unavailable.hidden = shown.isLoaded();
  if (shown.isLoaded()) shown.start();
});
