// With DEBUG set, Vonage's client prints the private key. It reads the variable when it is loaded.
delete process.env.DEBUG;
