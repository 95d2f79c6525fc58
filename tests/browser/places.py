"""Every page of the console, with a sandbox behind it."""

ROOM = "/i/sandbox"
DOORS = {"entrar": "/entrar", "operador": "/entrar/operador"}
"""before signing in"""
PLACES = {
    "inicio": "/",
    "conversa": "/conversa",
    "situacao": ROOM,
    "eventos": f"{ROOM}/eventos",
    "problemas": f"{ROOM}/problemas",
    "rede-off": f"{ROOM}/rede-off",
    "simulador": f"{ROOM}/simulador",
    "erp": f"{ROOM}/configurar/erp",
    "flows": f"{ROOM}/configurar/flows",
    "configurar-rede-off": f"{ROOM}/configurar/rede-off",
    "regras": f"{ROOM}/configurar/regras",
    "huggy": f"{ROOM}/configurar/huggy",
    "ativar": f"{ROOM}/configurar/ativar",
    "copiar": f"{ROOM}/configurar/copiar",
    "api": f"{ROOM}/api",
    "avisos": f"{ROOM}/avisos",
    "historico": f"{ROOM}/historico",
    "nova": "/instalacoes/nova",
    "nao-existe": "/nao-existe",
    "evento": f"{ROOM}/eventos/2",
    "evento-com-falha": f"{ROOM}/eventos/6",
    "conversa-em-curso": "/conversa?como=ana",
}
