// With DEBUG set, Vonage's client would print the private key. It reads the variable when it is loaded, so this comes first.
delete process.env.DEBUG;
