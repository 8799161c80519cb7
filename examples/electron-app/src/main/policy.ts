/**
 * The Content-Security-Policy of the page while Vite's development server sends it: styles come as <style> elements, and a socket
 * tells of changes. The packaged page has the stricter default of `applySecurityPolicy`, and one of its own in index.html.
 */
export const developmentPolicy =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws://localhost:* ws://127.0.0.1:*; object-src 'none'; base-uri 'self'";
