// A page of another origin (its document is sandboxed), which does what a malicious site would: it calls the
// endpoints with the visitor's cookies and hopes that they act. `no-cors` is how a form would send it.

addEventListener("message", async ({ data, source }) => {
  const { method, path } = data;
  let outcome = "sent, and the browser keeps the response from the page";
  try {
    const response = await fetch(`${location.protocol}//${location.host}${path}`, {
      method,
      mode: "no-cors",
      credentials: "include",
    });
    if (response.type !== "opaque") outcome = `read: ${response.status}`;
  } catch {
    outcome = "not sent: the browser stopped it";
  }
  source.postMessage({ path, outcome }, "*");
});
