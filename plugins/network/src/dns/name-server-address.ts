/** Where a container finds its own name server; Docker's address, which tools look for. */
export const NAME_SERVER_ADDRESS = '127.0.0.11';
