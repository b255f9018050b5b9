// A bare function: responds to every event with 200.

export const handler = async () => ({ statusCode: 200, body: "hello" });
